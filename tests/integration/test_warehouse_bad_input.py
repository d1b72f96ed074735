"""What no warehouse should be asked, and what one answers on a bad day, from a notebook through every part there is."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from support.cluster import Kubectl, Person
from support.kernels import Kernel, Outcome

pytestmark = pytest.mark.cluster

FLIGHTS = "SELECT COUNT(*) AS flights FROM nycflights13.flights"
CLIENT = """
import json, time
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery
client = bigquery.Client()
def told(sql, **more):
    try:
        config = bigquery.QueryJobConfig(**more)
        return [list(row.values()) for row in client.query(sql, job_config=config).result()]
    except GoogleAPICallError as error:
        return [error.code, error.errors[0]["reason"], error.errors[0]["message"]]
"""
LABELLED = """
import bigquery_magics
from google.cloud import bigquery
bigquery_magics.context.default_query_job_config = bigquery.QueryJobConfig(labels={labels!r})
"""


class Notebook:
    """A person's notebook, by code that runs in it and by a kernel."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.kernel = Kernel.start(person, "bad.ipynb")

    def __call__(self, code: str) -> Any:
        """What the code leaves in `answer`."""
        said = self.person.python(f"{CLIENT}\n{code}\nprint(json.dumps(answer))", timeout=180)
        return json.loads(said.splitlines()[-1])

    def cell(self, query: str, *, labels: dict[str, str] | None = None, seconds: float = 60) -> Outcome:
        """A cell with the magic, its query labelled."""
        assert self.kernel.run(LABELLED.format(labels=labels or {})).error is None
        return self.kernel.run(f"%%bigquery found\n{query}", seconds)


@pytest.fixture(scope="module")
def notebook(lasting_person: Callable[..., Person], kube: Kubectl) -> Notebook:
    if kube.get("deployment", "warehouse") is None:
        pytest.skip("this platform's warehouse is not the stand-in")
    ada = lasting_person()
    ada.start()
    return Notebook(ada)


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT (1", "", "-- nothing", "SELECT 1 FROM", "\x00", "'"])
def test_what_does_not_parse_is_refused_and_costs_nothing(notebook: Notebook, sql: str) -> None:
    code, reason, message = notebook(f"answer = told({sql!r})")
    assert (code, bool(message)) == (400, True)
    assert reason in {"invalid", "invalidQuery"}
    listed = "[each.total_bytes_billed or 0 for each in client.list_jobs(max_results=5)]"
    assert sum(notebook(f"answer = {listed}")) == 0


def test_a_cell_with_it_fails_in_one_sentence(notebook: Notebook) -> None:
    outcome = notebook.cell("SELECT (1")
    assert outcome.error, outcome
    assert outcome.error[0] == "QueryFailedError"
    assert "\n" not in outcome.error[1].strip()


def test_fifty_statements_are_one_script(notebook: Notebook) -> None:
    script = "DECLARE n INT64 DEFAULT 0;\n" + "SET n = n + 1;\n" * 48 + "SELECT n;"
    assert notebook(f"answer = told({script!r})") == [[48]]
    broken = script.replace("SET n = n + 1;", "SET n = m;", 1)
    code, *_ = notebook(f"answer = told({broken!r})")
    assert code == 400


def test_a_megabyte_of_text_is_the_most(notebook: Notebook) -> None:
    assert notebook(f"answer = told({FLIGHTS!r} + ' /* ' + 'x' * 1_000_000 + ' */')") == [[336776]]
    code, reason, message = notebook(f"answer = told({FLIGHTS!r} + ' /* ' + 'x' * 1_100_000 + ' */')")
    assert (code, reason) == (400, "invalid")
    assert message.startswith("The query is too large: ")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"Team": "a"}, "The label key 'Team' is not allowed"),
        ({"team": "A and B"}, "The value 'A and B' of the label 'team' is not allowed"),
        ({f"l{n}": "" for n in range(70)}, "A job may have 64 labels at most"),
    ],
)
def test_labels_that_bigquery_refuses(notebook: Notebook, labels: dict[str, str], said: str) -> None:
    code, reason, message = notebook(f"answer = told({FLIGHTS!r}, labels={labels!r})")
    assert (code, reason) == (400, "invalid")
    assert said in message


@pytest.mark.parametrize("fault", ["http_500", "http_429", "http_503"])
def test_what_passes_is_waited_out_in_sight(notebook: Notebook, fault: str) -> None:
    outcome = notebook.cell(FLIGHTS, labels={"stand_in_fault": f"{fault}_2"})
    assert outcome.error is None, outcome
    trying = [each for each in outcome.shown if "it is tried again for another" in each]
    assert len(trying) == 2, outcome
    assert f"{fault}_2" in trying[0]
    assert "Traceback" not in outcome.said
    assert notebook(f"answer = told({FLIGHTS!r}, labels={{'stand_in_fault': '{fault}_2'}})") == [[336776]]


def test_what_lasts_ends_in_a_sentence(notebook: Notebook) -> None:
    begun = time.monotonic()
    outcome = notebook.cell(FLIGHTS, labels={"stand_in_fault": "http_503"}, seconds=170)
    print(f"after {time.monotonic() - begun:.0f} s: {outcome.error}")
    assert outcome.error, outcome
    assert outcome.error[0] == "QueryFailedError"
    assert outcome.error[1].startswith("The query was tried for 2 min 0 s and not taken: ")
    assert outcome.error[1].endswith(
        "Run the cell again later; if it began all the same, My queries shows it."
    )


def test_a_warehouse_that_hangs_is_said_and_asked_again(notebook: Notebook) -> None:
    outcome = notebook.cell(FLIGHTS, labels={"stand_in_fault": "hang_1"}, seconds=170)
    assert outcome.error is None, outcome
    assert any("it has not answered for 60 s" in each for each in outcome.shown), outcome


def test_a_query_that_takes_longer_than_allowed_is_ended(notebook: Notebook) -> None:
    slow = "labels={'stand_in_seconds': '100'}"
    assert notebook(f"answer = told({FLIGHTS!r}, {slow}, job_timeout_ms=2000)") == [
        400,
        "stopped",
        "Job execution was cancelled: Job timed out after 2s",
    ]
    long = "SELECT COUNTIF(MOD(a * b, 7) = 3) FROM UNNEST(GENERATE_ARRAY(1, 60000)) a, UNNEST(GENERATE_ARRAY(1, 90000)) b"
    code, reason, _ = notebook(f"answer = told({long!r}, job_timeout_ms=3000)")
    assert (code, reason) == (400, "stopped")
