"""dbt in a person's notebook: a small project is built, built on, snapshotted and documented, and no key is typed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.cluster import Kubectl, Person
from support.terminal import typed

pytestmark = pytest.mark.cluster

PROJECT = Path(__file__).parents[1] / "data" / "dbt" / "flights"
FLIGHTS = 336_776
FOLDER = "work/flights"

# Says every host that a program looks up, whichever library does it.
WATCH = """
import sys
def seen(event, arguments):
    if event == "socket.getaddrinfo":
        print("looked up:", arguments[0], flush=True)
sys.addaudithook(seen)
"""
DBT = "sys.argv = ['dbt', *{arguments!r}]\nfrom carrel_lab import dbt_command\ndbt_command.main()"
CLIENTS = """
import pandas_gbq
from IPython.core.interactiveshell import InteractiveShell
from google.cloud import bigquery
sql = "SELECT carrier, name FROM nycflights13.airlines"
client = bigquery.Client()
shell = InteractiveShell.instance()
shell.extension_manager.load_extension("carrel_lab.queries.extension")
shell.run_cell_magic("bigquery", "found", sql)
sizes = [len(client.query(sql).to_dataframe()), client.query(sql).to_arrow().num_rows]
sizes += [len(pandas_gbq.read_gbq(sql, progress_bar_type=None)), len(shell.user_ns["found"])]
print("rows:", sizes)
"""


class Desk:
    """A person's notebook with the project in it."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.dataset = f"dbt_{person.name.replace('-', '_')}"
        files = {str(file.relative_to(PROJECT)): file.read_text() for file in PROJECT.rglob("*.*")}
        for name, text in files.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        self.person.python(
            f"from pathlib import Path\npath = Path({FOLDER!r}) / {name!r}\n"
            f"path.parent.mkdir(parents=True, exist_ok=True)\npath.write_text({text!r})"
        )

    def remove(self, name: str) -> None:
        self.person.python(f"from pathlib import Path\n(Path({FOLDER!r}) / {name!r}).unlink()")

    def dbt(self, *arguments: str) -> str:
        command = ["bash", "-c", 'cd "$0" && exec dbt --no-use-colors "$@"', FOLDER, *arguments]
        code, said = typed(self.person, *command, timeout=300)
        assert code == 0, said
        return said

    def file(self, name: str) -> Any:
        return json.loads(typed(self.person, "cat", f"{FOLDER}/target/{name}")[1])

    def results(self) -> tuple[str, dict[str, dict[str, Any]]]:
        """The last run's id, and what the warehouse answered about each node."""
        found = self.file("run_results.json")
        answers = {each["unique_id"].split(".")[2]: each["adapter_response"] for each in found["results"]}
        return found["metadata"]["invocation_id"], answers

    def ask(self, code: str) -> Any:
        code = f"import json\nfrom google.cloud import bigquery\nclient = bigquery.Client()\n{code}"
        return json.loads(self.person.python(code.replace("DATASET", self.dataset)).splitlines()[-1])

    def days(self) -> Any:
        sql = "SELECT COUNT(DISTINCT day), SUM(flights) FROM DATASET.{}"
        return self.ask(
            f"rows = [next(iter(client.query_and_wait({sql!r}.format(name)))) for name in ('delays', 'departures')]\n"
            "print(json.dumps([list(row.values()) for row in rows]))"
        )


@pytest.fixture(scope="module")
def desk(lasting_person: Callable[..., Person], kube: Kubectl) -> Iterator[Desk]:
    if kube.get("deployment", "warehouse") is None:
        pytest.skip("this platform's warehouse is not the stand-in")
    ada = lasting_person()
    ada.start()
    made = Desk(ada)
    yield made
    made.ask("client.delete_dataset('DATASET', delete_contents=True, not_found_ok=True)\nprint('{}')")


def test_a_project_is_built_and_built_on(desk: Desk) -> None:
    assert "PASS=17 WARN=0 ERROR=0 SKIP=0" in desk.dbt("build")
    run, first = desk.results()
    # three columns of 8 bytes and an airport's three letters
    assert int(first["departures"]["bytes_processed"]) == FLIGHTS * (3 * 8 + 5)
    [[days, flights], the_same] = desk.days()
    assert days == 10
    assert the_same == [days, flights]
    jobs = desk.ask(
        "found = [(job.user_email, job.total_bytes_processed or 0) for job in client.list_jobs(max_results=200)\n"
        f"  if job.labels.get('dbt_invocation_id') == {run!r}]\nprint(json.dumps(found))"
    )
    assert {email for email, _ in jobs} == {f"{desk.person.name}@example.org"}
    assert FLIGHTS * 29 in [processed for _, processed in jobs]

    assert "PASS=17 WARN=0 ERROR=0 SKIP=0" in desk.dbt("build", "--vars", "{until: 2013-01-12}")
    _, second = desk.results()
    assert second["delays"]["code"] == "MERGE"
    assert second["departures"]["code"] == "SCRIPT"
    [[days, more], the_same] = desk.days()
    assert days == 12
    assert more > flights
    assert the_same == [days, more]


def test_a_snapshot_keeps_what_was_and_everything_is_documented(desk: Desk) -> None:
    desk.dbt("build")
    seed = (PROJECT / "seeds/alliances.csv").read_text()
    desk.write("seeds/alliances.csv", seed.replace("AS,none", "AS,Oneworld"))
    desk.dbt("seed")
    assert "PASS=1 " in desk.dbt("snapshot")
    sql = "SELECT alliance, dbt_valid_to IS NULL FROM DATASET.alliances_over_time WHERE carrier = 'AS' ORDER BY 2"
    assert desk.ask(f"print(json.dumps([list(row.values()) for row in client.query_and_wait({sql!r})]))") == [
        ["none", False],
        ["Oneworld", True],
    ]

    desk.dbt("docs", "generate")
    manifest, catalog = desk.file("manifest.json"), desk.file("catalog.json")
    assert catalog["errors"] is None
    assert catalog["sources"].keys() == manifest["sources"].keys()
    assert "model.flights.carriers" in catalog["nodes"]
    assert catalog["nodes"]["model.flights.carriers"]["columns"].keys() == {"carrier", "name", "alliance"}
    assert (
        manifest["nodes"]["model.flights.carriers"]["columns"]["carrier"]["description"] == "Two characters."
    )


def test_nothing_asks_for_an_address_of_google(desk: Desk) -> None:
    """Results come by the warehouse's own address: with its storage client, Google's would go to another."""
    dbt = DBT.format(arguments=["run", "--project-dir", FOLDER, "--select", "stg_airlines"])
    for code, proof in ((CLIENTS, "rows: [16, 16, 16, 16]"), (dbt, "PASS=1 ")):
        said = desk.person.python(f"{WATCH}\n{code}")
        assert proof in said
        hosts = {
            line.partition(": ")[2].strip("b'") for line in said.splitlines() if line.startswith("looked up")
        }
        assert hosts
        assert all(host.endswith(".svc") for host in hosts), hosts
    storage = "import importlib.util\nprint(json.dumps(bool(importlib.util.find_spec('google.cloud.bigquery_storage'))))"
    assert desk.ask(storage) is False


def test_a_profile_in_the_folder_wins(desk: Desk) -> None:
    own = "somebody_elses: {target: here, outputs: {here: {type: bigquery, method: oauth, project: p, dataset: d}}}"
    desk.write("profiles.yml", own)
    said = desk.dbt("debug", "--config-dir")
    assert FOLDER in said
    desk.write("profiles.yml", own.replace("somebody_elses", "nobodys"))
    code, said = typed(desk.person, "bash", "-c", f"cd {FOLDER} && dbt parse")
    assert code != 0
    assert "somebody_elses" in said
    desk.remove("profiles.yml")
