"""Every query carries a person and a price, and what is too dear is refused before anything is read."""

import json
from collections.abc import Callable

import pytest

from carrel_operator import names
from support.cluster import Kubectl, Object, Person, eventually, unique
from support.kernels import Kernel

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]

# A query with Google's client, and the job as the warehouse keeps it.
JOB = """
import json
from google.cloud import bigquery
client = bigquery.Client()
job = client.query("SELECT SUM(distance) FROM nycflights13.flights", job_config=bigquery.QueryJobConfig(labels={"mine": "1"}))
job.result()
seen = client.get_job(job.job_id)
print(json.dumps([seen.labels, seen.user_email, seen.maximum_bytes_billed, seen.total_bytes_billed]))
"""

# Google's API without its client, whose retries would hide what is answered.
RAW = """
import json, os, urllib.error, urllib.request
import google.auth, google.auth.transport.requests
credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
credentials.refresh(google.auth.transport.requests.Request())
def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {credentials.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(os.environ["BIGQUERY_EMULATOR_HOST"] + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
"""

LARGE = "SELECT MAX(a.distance + b.distance) FROM nycflights13.flights a CROSS JOIN UNNEST([1]) CROSS JOIN nycflights13.weather b"


def budget(somebody: Person, project: str = "") -> Object:
    path = "/carrel/v1/budget" + (f"?project={project}" if project else "")
    status, answer = json.loads(somebody.python(f"{RAW}\nprint(json.dumps(ask({path!r})))"))
    assert status == 200, answer
    return dict(answer)


def test_a_query_carries_its_person_and_a_limit(person: NewPerson) -> None:
    ada = person()
    ada.start()
    labels, email, limit, billed = json.loads(ada.python(JOB))
    assert labels == {"mine": "1", "carrel_person": ada.name, "carrel_notebook": names.notebook(ada.name)}
    assert email == f"{ada.name}@example.org"
    assert int(limit) == 2 * 1024**3
    assert billed == 10 * 1024**2
    seen = budget(ada)
    assert (seen["payer"], seen["spent_today"]) == (ada.name, billed)
    assert seen["left_today"] == seen["bytes_per_day"] - billed


def test_what_is_over_budget_is_refused_before_it_reads(
    person: NewPerson, paying_project: Callable[..., str]
) -> None:
    """A member who charges the project's billing project has its budget; the cell fails with the sentence."""
    ada = person()
    billing = unique("gate-billing")
    name = paying_project(
        [{"user": ada.name, "role": "viewer"}], billingProject=billing, budget={"bytesPerQuery": "1Mi"}
    )
    ada.start()
    assert budget(ada, billing)["payer"] == f"project {name}"
    kernel = Kernel.start(ada, "dear.ipynb")
    sql = "SELECT SUM(distance) FROM `carrel-demo.nycflights13.flights`"
    outcome = kernel.run(f"%%bigquery --project {billing}\n{sql}")
    assert outcome.error, outcome
    assert outcome.error[0] == "QueryFailedError"
    assert f"one query of project {name} may be billed 1.0 MiB" in outcome.error[1]
    assert f"spec.warehouse.budget of the Project {name}" in outcome.error[1]
    jobs = ada.python(
        "from google.cloud import bigquery\n"
        f"print([job.job_id for job in bigquery.Client(project={billing!r}).list_jobs()])"
    )
    assert jobs.strip() == "[]", "no job was begun"


def test_a_budget_is_lowered_raised_and_gone_while_a_notebook_runs(
    person: NewPerson, paying_project: Callable[..., str], kube: Kubectl
) -> None:
    ada = person()
    billing = unique("gate-billing")
    name = paying_project(
        [{"user": ada.name, "role": "editor"}], billingProject=billing, budget={"bytesPerDay": "25Mi"}
    )
    ada.start()
    kernel = Kernel.start(ada, "days.ipynb")
    sql = "SELECT SUM(distance) FROM `carrel-demo.nycflights13.flights`"
    assert kernel.run(f"%%bigquery --project {billing}\n{sql}").error is None
    assert kernel.run(f"%%bigquery --project {billing}\n{sql} WHERE day > 1").error is None
    outcome = kernel.run(f"%%bigquery --project {billing}\n{sql} WHERE day > 2")
    assert outcome.error
    assert "5.0 MiB are left until 00:00 UTC" in outcome.error[1]
    for limit, passes in (("0", False), ("1Gi", True), (None, True)):
        patch = json.dumps({"spec": {"warehouse": {"budget": {"bytesPerDay": limit}}}})
        kube("patch", "project", name, "--type=merge", f"--patch={patch}")
        wanted = None if limit is None else {"0": 0, "1Gi": 1024**3}[limit]
        eventually(
            "the gateway knows", lambda known=wanted: budget(ada, billing)["bytes_per_day"] == known, 20
        )
        assert (kernel.run(f"%%bigquery --project {billing}\n{sql} WHERE day > 3").error is None) is passes


def test_a_budget_that_is_none_is_refused_by_the_api_server(paying_project: Callable[..., str]) -> None:
    for bad, sentence in (("-1", "must not be less than 0"), ("lots", "must be a number of bytes")):
        with pytest.raises(Exception, match=sentence):
            paying_project([], budget={"bytesPerDay": bad})


def test_who_is_no_member_cant_charge_a_project(
    person: NewPerson, paying_project: Callable[..., str]
) -> None:
    ada = person()
    billing = unique("gate-billing")
    name = paying_project([{"user": "somebody-else", "role": "admin"}], billingProject=billing)
    ada.start()
    body = {"configuration": {"query": {"query": "SELECT 1", "useLegacySql": False}}}
    path = f"/bigquery/v2/projects/{billing}/jobs"
    status, answer = json.loads(ada.python(f"{RAW}\nprint(json.dumps(ask({path!r}, {body!r})))"))
    assert status == 403
    assert f"paid by the project {name}, of which {ada.name} is no member" in answer["error"]["message"]


@pytest.mark.alone
def test_without_the_gateway_a_query_fails_and_says_so(person: NewPerson, kube: Kubectl) -> None:
    ada = person()
    ada.start()
    kernel = Kernel.start(ada, "away.ipynb")
    cell = "%%bigquery\nSELECT COUNT(*) FROM nycflights13.flights"
    assert kernel.run(cell).error is None
    kube("scale", "deployment", "gateway", "--replicas=0")
    try:
        eventually("it is gone", lambda: not kube.items("pods", "app.kubernetes.io/component=gateway"), 60)
        outcome = kernel.run(cell, seconds=120)
    finally:
        kube("scale", "deployment", "gateway", "--replicas=1")
        kube("rollout", "status", "deployment", "gateway", "--timeout=120s")
    assert outcome.error
    assert "Nothing answers at http://gateway" in outcome.error[1]
    eventually("queries run again", lambda: kernel.run(cell).error is None, 60)
