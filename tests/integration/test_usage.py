"""What people used stands on the Project, in the hub's API, in metrics and in the terminal, whichever way a query took."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from carrel_operator import names
from support.cluster import Kubectl, Object, Person, Platform, eventually, restart, unique

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]

MIB = 1024**2
QUERY = """
from google.cloud import bigquery
job = bigquery.Client(project={project!r}).query("SELECT SUM(distance) FROM `carrel-demo.nycflights13.flights`")
job.result()
print(job.total_bytes_billed)
"""
# The same record as the warehouse itself has it.
RECORD = """
from google.cloud import bigquery
[row] = bigquery.Client(project={project!r}).query_and_wait('''
    SELECT COUNT(*) AS queries, SUM(total_bytes_billed) AS bytes FROM `region-us`.INFORMATION_SCHEMA.JOBS_BY_USER
    WHERE job_type = 'QUERY' AND state = 'DONE'
''')
print(row.queries, row.bytes)
"""
AROUND = """
import os
os.environ["BIGQUERY_EMULATOR_HOST"] = {address!r}
"""


def rows(hub: httpx.Client, person: str) -> list[Object]:
    day = datetime.now(UTC).date().isoformat()
    answer = hub.get("/carrel/usage", params={"since": day})
    assert answer.status_code == 200, answer.text
    return [row for row in answer.json()["rows"] if row["person"].partition("@")[0] == person]


def metrics(kube: Kubectl) -> str:
    read = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9061/metrics').read().decode())"
    return kube("exec", "deployment/gateway", "--", "python", "-c", read)


def test_a_query_and_a_server_are_counted_everywhere(
    person: NewPerson,
    paying_project: Callable[..., str],
    kube: Kubectl,
    hub: httpx.Client,
    platform: Platform,
) -> None:
    ada = person()
    billing = unique("used-billing")
    members, limit = [{"user": ada.name, "role": "admin"}], {"bytesPerDay": "1Gi"}
    name = paying_project(members, billingProject=billing, budget=limit)
    ada.start()
    billed = int(ada.python(QUERY.format(project=billing)))
    assert billed == 10 * MIB

    status = eventually(
        "the Project says so",
        lambda: (
            found
            if (found := (kube.get("project", name) or {}).get("status", {}).get("usage", {})).get("queries")
            else None
        ),
        90,
    )
    assert status["bytes"] == str(billed)
    assert status["read"] == "10.0 MiB of 1.0 GiB"
    assert status["cost"] == "less than $0.01"
    assert "10.0 MiB of 1.0 GiB" in kube("get", "project", name)

    server = eventually(
        "the server's time is counted",
        lambda: next((row for row in rows(hub, ada.name) if row["pod_hours"] > 0), None),
        90,
    )
    assert (server["project"], server["notebook"]) == ("", names.notebook(ada.name))
    assert server["pod_cost"] > 0
    [query] = [row for row in rows(hub, ada.name) if row["project"] == name]
    assert (query["bytes"], query["queries"], query["notebook"]) == (
        billed,
        1,
        names.notebook(ada.name),
    )
    labels = f'{{billing_project="{billing}",person="{ada.name}",project="{name}"}}'
    assert f"carrel_query_billed_bytes_total{labels} 1.048576e+07" in metrics(kube)

    told = subprocess.run(
        [sys.executable, "-m", "carrel_cli", "usage", "--project", name],
        env={"CARREL_URL": platform.url, "CARREL_TOKEN": platform.token, "PYTHONPATH": "cli"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "10.0 MiB" in told.stdout
    assert ada.python(RECORD.format(project=billing)).split() == ["1", str(billed)]


def test_what_goes_around_the_gateway_is_found_by_the_auditor(
    person: NewPerson, kube: Kubectl, hub: httpx.Client
) -> None:
    ada = person()
    ada.start()
    around = AROUND.format(address=f"http://warehouse.{kube.namespace}.svc:9050")
    billed = json.loads(ada.python(around + QUERY.format(project="carrel-demo")))
    assert [row["bytes"] for row in rows(hub, ada.name) if row["bytes"]] == []
    restart(kube, "auditor")  # it begins with a round
    found = eventually("the auditor tells", lambda: [row for row in rows(hub, ada.name) if row["bytes"]], 120)
    assert [(row["bytes"], row["queries"]) for row in found] == [(billed, 1)]
