"""Queries in a real kernel: they name their cell, say their price, can be stopped, and are found again after a loss."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from carrel_operator import names
from support.cluster import Kubectl, Person, eventually
from support.kernels import Kernel

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]
ASK = "SELECT origin, COUNT(*) AS flights FROM nycflights13.flights GROUP BY origin"
SLOWLY = """
import bigquery_magics
from google.cloud import bigquery
labels = {"stand_in_seconds": "SECONDS"}
bigquery_magics.context.default_query_job_config = bigquery.QueryJobConfig(labels=labels)
"""
LIST = """
import json
from google.cloud import bigquery
print(json.dumps([
    [each.job_id, each.query, each.state, each.labels, each.total_bytes_billed, (each.error_result or {}).get("reason")]
    for each in bigquery.Client().list_jobs(max_results=50) if each.job_type == "query"
]))
"""


def jobs(person: Person, query: str) -> list[list[Any]]:
    """The person's jobs with that text: id, text, state, labels, bytes billed, reason of an error."""
    found = json.loads(person.python(LIST).splitlines()[-1])
    return [each for each in found if each[1].strip() == query]


@pytest.fixture
def ada(person: NewPerson, kube: Kubectl) -> Person:
    if kube.get("deployment", "warehouse") is None:
        pytest.skip("this platform's warehouse is not the stand-in")
    ada = person()
    ada.start()
    return ada


@pytest.fixture
def kernel(ada: Person) -> Kernel:
    return Kernel.start(ada, "query.ipynb")


def slow(kernel: Kernel, seconds: int) -> None:
    assert kernel.run(SLOWLY.replace("SECONDS", str(seconds))).error is None


def test_a_query_says_its_price_and_its_job_names_the_cell(ada: Person, kernel: Kernel) -> None:
    outcome = kernel.run(f"%%bigquery found\n{ASK}", cell="0f3a-9b")
    assert outcome.error is None, outcome
    assert outcome.shown[0].startswith("This query reads "), outcome
    assert outcome.shown[-1].startswith("Ran for "), outcome
    [(job, _, state, labels, billed, _)] = jobs(ada, ASK)
    assert job.startswith("carrel_0f3a-9b_")
    assert (state, labels["carrel_cell"], billed) == ("DONE", "0f3a-9b", 10 * 2**20)
    assert labels["carrel_document"].startswith("query-ipynb-")
    assert kernel.run(f"%%bigquery found --maximum_bytes_billed 1\n{ASK} -- no").error == (
        "QueryFailedError",
        "Query exceeded limit for bytes billed: 1. 10485760 or higher required.",
    )
    [refused] = jobs(ada, f"{ASK} -- no")
    assert refused[5] == "bytesBilledLimitExceeded"


def test_the_server_tells_a_kernel_its_cell_as_jupyterlab_does(ada: Person, kernel: Kernel) -> None:
    request = {
        "code": "print(get_ipython().get_parent()['metadata']['cellId'])",
        "metadata": {"cell_id": "c7"},
    }
    asked = ada.web(f"api/kernels/{kernel.id}/execute", "POST", json=request)
    assert asked.status_code == 202, asked.text
    path = asked.json()["request_url"].removeprefix("/")

    def outputs() -> list[Any]:
        answer = ada.web(path).json()
        return [] if answer.get("pending") or not answer else json.loads(answer["outputs"])

    assert eventually("the cell has run", outputs, 30)[0]["text"].strip() == "c7"


def test_stop_cancels_the_query(ada: Person, kernel: Kernel) -> None:
    slow(kernel, 120)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(kernel.run, f"%%bigquery\n{ASK}", 100, "c1")
        eventually("the query runs", lambda: jobs(ada, ASK), 60)
        time.sleep(3)  # some looks of the line that follows it
        kernel.interrupt()
        outcome = running.result()
    assert outcome.error, outcome
    assert outcome.error[0] == "QueryCancelled"
    assert "was cancelled after" in outcome.error[1]
    assert any("Running for" in each for each in outcome.shown), outcome
    assert jobs(ada, ASK)[0][2] == "DONE", "120 seconds are not over"


def test_a_query_whose_pod_was_deleted_is_taken_up_again_and_billed_once(
    ada: Person, kernel: Kernel, kube: Kubectl
) -> None:
    slow(kernel, 25)
    begun = kernel.run(
        f"job = bigquery.Client().query({ASK!r}, job_config=bigquery.QueryJobConfig(labels=labels))",
        cell="c1",
    )
    assert begun.error is None, begun
    time.sleep(5)  # of the query's 25 seconds
    before = ada.pod_uid()
    kube("delete", "pod", names.pod(names.notebook(ada.name)))
    eventually("the server is back", lambda: ada.pod() and ada.pod_uid() != before and ada.answers(), 90)
    again = Kernel.start(ada, "query.ipynb")
    outcome = again.run("df = %bq_attach\nprint(df.flights.sum())", 90, cell="c1")
    assert outcome.error is None, outcome
    assert outcome.said.split()[-1] == "336776"
    assert "is taken up again and not billed a second time" in outcome.shown[0]
    assert [each[2:5:2] for each in jobs(ada, ASK)] == [["DONE", 10 * 2**20]], "one job, billed once"


def test_the_same_cell_run_again_waits_for_the_job_that_runs(ada: Person, kernel: Kernel) -> None:
    slow(kernel, 40)
    begin = f"job = bigquery.Client().query({ASK!r}, job_config=bigquery.QueryJobConfig(labels=labels))"
    assert kernel.run(begin, cell="c1").error is None
    kernel.run("import os; os._exit(1)", 5)
    eventually("the kernel has begun anew", lambda: kernel.run("print(6 * 7)").said.strip() == "42", 60)
    outcome = kernel.run(f"%%bigquery found\n{ASK}", 90, cell="c1")
    assert outcome.error is None, outcome
    assert "%%bigquery --fresh would begin another" in outcome.shown[0], outcome
    assert len(jobs(ada, ASK)) == 1
    assert kernel.run(f"%%bigquery found --fresh\n{ASK}", 90, cell="c1").error is None
    assert len(jobs(ada, ASK)) == 2


def test_a_result_too_large_is_refused_until_the_notebook_has_grown(kernel: Kernel) -> None:
    # 10 numbers of 16 bytes, ten times as much while a DataFrame is made: more than 2 GiB has, less than 4.
    columns = ", ".join(f"CAST(n AS NUMERIC) AS c{each}" for each in range(10))
    query = f"SELECT {columns} FROM UNNEST(GENERATE_ARRAY(1, 1400000)) AS n"  # noqa: S608 - nobody else writes it
    result = f"rows = bigquery.Client().query({query!r}).result()\nfrom carrel_lab.queries import guard"
    assert kernel.run(f"from google.cloud import bigquery\n{result}", 120).error is None
    refused = kernel.run("rows.to_dataframe()")
    assert refused.error, refused
    assert refused.error[0] == "ResultTooLargeError"
    assert "are free; nothing was downloaded" in refused.error[1]
    assert "carrel resize" in refused.error[1]
    assert kernel.run("!carrel resize medium", 60).error is None
    check = "guard._check(rows, guard.FACTORS['to_dataframe'], guard.free_memory)"
    eventually("the result fits", lambda: kernel.run(check).error is None, 30)
