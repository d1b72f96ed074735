"""Google's own client, wrapped as in a kernel, against a server that answers like BigQuery."""

import io
import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery
from google.cloud.bigquery import table

from carrel_lab.activity.queries import Jobs
from carrel_lab.queries import attaching, budget, client, guard, retrying, waiting
from carrel_lab.queries.errors import QueryCancelled, QueryFailedError, ResultTooLargeError, said
from carrel_lab.queries.here import Place
from carrel_lab.queries.sentences import NO_BUDGET, Budget
from carrel_lab.queries.waiting import Line
from unit.notebook.bigquery_server import Server, serving

HERE = Place("c1", "a.ipynb")
GIB = 2**30


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def room() -> dict[str, int]:
    """The notebook's free memory."""
    return {"free": 10 * GIB}


@pytest.fixture
def at(tmp_path: Path, room: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> list[Place]:
    """Where the code runs, in a process whose client is wrapped."""
    where = [HERE]
    for owner, names in ((bigquery.Client, client.BEGIN_A_JOB), (table.RowIterator, guard.FACTORS)):
        for name in names:
            monkeypatch.setattr(owner, name, getattr(owner, name))
    client.wrap(sys.modules[client.CLIENT], Jobs(tmp_path / "note"), lambda: where[0])
    guard.wrap(table, lambda: room["free"])
    return where


def labels_of(server: Server) -> list[Any]:
    return [job["configuration"].get("labels") for job in server.jobs.values()]


class Shown(list[str]):
    """A cell's output, as IPython's display puts it there."""

    def __call__(self, content: dict[str, str], **_: object) -> "Shown":
        self.append(content["text/plain"])
        return self

    def update(self, content: dict[str, str], **_: object) -> None:
        self.append(content["text/plain"])


@pytest.mark.usefixtures("at")
def test_every_way_to_begin_a_job_has_the_labels_of_its_cell(server: Server) -> None:
    warehouse = server.client()
    warehouse.query("SELECT 1")
    warehouse.query_and_wait("SELECT 1")
    warehouse.query("SELECT 1", None, None, "mine_")
    warehouse.load_table_from_uri("gs://b/o", "p.d.t")
    warehouse.copy_table("p.d.t", "p.d.u")
    warehouse.extract_table("p.d.t", "gs://b/o")
    warehouse.create_job({"query": {"query": "SELECT 1"}})
    assert labels_of(server) == [HERE.labels] * 7


@pytest.mark.usefixtures("at")
def test_a_file_is_loaded_with_the_labels_too(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(
        bigquery.Client,
        "_do_resumable_upload",
        lambda _self, _file, metadata, *_a, **_o: sent.append(metadata),
    )
    with pytest.raises(Exception):  # noqa: B017, PT011 - there is no answer to the upload
        server.client().load_table_from_file(io.BytesIO(b"1"), "p.d.t")
    assert sent[0]["configuration"]["labels"] == HERE.labels
    assert sent[0]["jobReference"]["jobId"].startswith("carrel_c1_")


@pytest.mark.usefixtures("at")
def test_a_persons_own_labels_and_configurations_stay(server: Server) -> None:
    mine = bigquery.QueryJobConfig(labels={"team": "x"}, priority="BATCH")
    default = bigquery.QueryJobConfig(labels={"all": "y"}, maximum_bytes_billed=7)
    warehouse = server.client(default_query_job_config=default)
    warehouse.query("SELECT 1", job_config=mine)
    warehouse.query("SELECT 1")
    assert labels_of(server) == [{"team": "x"} | HERE.labels, {"all": "y"} | HERE.labels]
    first, second = (job["configuration"]["query"] for job in server.jobs.values())
    assert first["priority"] == "BATCH"
    assert first["maximumBytesBilled"] == second["maximumBytesBilled"] == "7"
    assert mine.labels == {"team": "x"}
    assert default.to_api_repr()["labels"] == {"all": "y"}


def test_an_id_begins_with_the_cell_and_a_retry_has_another(server: Server, at: list[Place]) -> None:
    warehouse = server.client()
    job = warehouse.query("SELECT 1")
    assert job.job_id.startswith("carrel_c1_")
    assert job._retry_do_query is not None, "the client may try it again"
    assert job._retry_do_query().job_id != job.job_id
    at[0] = Place("", "")
    assert warehouse.query("SELECT 1").job_id.startswith("carrel_")
    assert warehouse.query("SELECT 1", job_id="mine", job_retry=None).job_id == "mine"
    assert warehouse.query("SELECT 1", job_id_prefix="mine_").job_id.startswith("mine_")
    assert labels_of(server)[-1] is None


@pytest.mark.usefixtures("at")
def test_a_wrong_call_is_refused_as_ever(server: Server) -> None:
    with pytest.raises(TypeError, match="query"):
        server.client().query()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="QueryJobConfig"):
        server.client().query("SELECT 1", job_config=bigquery.LoadJobConfig())  # type: ignore[arg-type]


def test_what_goes_wrong_with_labels_does_not_reach_the_query(tmp_path: Path) -> None:
    def nowhere() -> Place:
        raise RuntimeError

    begin = client._told(lambda *_: "job", bigquery.QueryJobConfig, Jobs(tmp_path / "note"), nowhere)
    assert begin(None) == "job"


def test_a_budget_is_asked_of_the_gateway_and_may_be_missing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = server.client()
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(type(warehouse), "_http", property(lambda _: __import__("requests").Session()))
    assert budget.ask(warehouse) == NO_BUDGET
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
    assert budget.ask(warehouse) == NO_BUDGET, "404: no gateway"
    server.budget = {"price_per_tib": 6.25, "currency": "€", "bytes_per_day": 10, "left_today": 4}
    assert budget.ask(warehouse) == Budget(6.25, "€", 10, 4)
    server.budget = {"price_per_tib": 6.25, "currency": "$", "bytes_per_day": None, "left_today": None}
    assert budget.ask(warehouse) == Budget(6.25, "$", None, None)
    server.budget = {"nonsense": 1}
    assert budget.ask(warehouse) == NO_BUDGET


def test_a_query_is_followed_until_it_is_done(server: Server) -> None:
    server.seconds, shown = 1.5, Shown()
    waiting.wait(server.client().query("SELECT 1", job_id_prefix="j"), Line(shown), "Before.", GIB)
    assert re.match(r"Before.\nRunning for \d+ s · 1 GiB · job j", shown[0])


def failure(code: int, reason: str) -> dict[str, Any]:
    said = f"Out of order, {code}."
    return {"code": code, "message": said, "errors": [{"message": said, "reason": reason}]}


def test_what_the_warehouse_cannot_take_is_tried_again_in_sight(server: Server) -> None:
    server.failures, shown = [failure(500, "internalError"), failure(429, "rateLimitExceeded")], Shown()
    job = retrying.begun(server.client(), "SELECT 1", None, Line(shown))
    assert job.done()
    assert [each.split(": ")[1] for each in shown] == ["Out of order, 500.", "Out of order, 429."]
    assert shown[0].startswith("The query was not taken, so it is tried again for another ")
    assert len(server.jobs) == 1


def test_what_is_never_taken_ends_in_a_sentence(server: Server) -> None:
    server.failures = [failure(503, "backendError")] * 1000
    with pytest.raises(QueryFailedError) as caught:
        retrying.begun(server.client(), "SELECT 1", None, Line(Shown()), seconds=2)
    assert str(caught.value) == (
        "The query was tried for 2 s and not taken: Out of order, 503. "
        "Run the cell again later; if it began all the same, My queries shows it."
    )


def test_what_is_refused_is_not_tried_again(server: Server) -> None:
    server.failures, shown = [failure(400, "invalidQuery")], Shown()
    with pytest.raises(BadRequest, match="Out of order, 400"):
        retrying.begun(server.client(), "SELECT", None, Line(shown))
    assert not shown


@pytest.fixture
def stop_pressed() -> Iterator[None]:
    """After a second, as Jupyter does it. A shell has what it runs in the background ignore that signal, pytest too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    # To the thread that waits: a signal to the process may reach another, which does not wake it.
    hand = threading.Timer(1.2, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    hand.start()
    yield
    hand.join()
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("stop_pressed")
def test_stop_cancels_the_job_and_says_so(server: Server) -> None:
    server.seconds = 60
    job = server.client().query("SELECT 1")
    with pytest.raises(QueryCancelled, match="was cancelled after") as caught:
        waiting.wait(job, Line(Shown()))
    assert ("POST", f"/bigquery/v2/projects/p/jobs/{job.job_id}/cancel") in server.calls
    assert isinstance(caught.value, KeyboardInterrupt), "no except Exception swallows it"


def test_stop_that_bigquery_does_not_take_says_that_too(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = server.client().query("SELECT 1")

    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    def refused(**_: object) -> None:
        raise OSError("Gone.")

    monkeypatch.setattr(job, "done", interrupted)
    monkeypatch.setattr(job, "cancel", refused)
    with pytest.raises(
        QueryCancelled, match=f"could not be cancelled and may run on: Gone. .*%bq_attach {job.job_id}"
    ):
        waiting.wait(job, Line(Shown()))


@pytest.mark.usefixtures("at")
def test_the_same_query_of_the_same_cell_is_found_while_it_runs(server: Server) -> None:
    server.seconds, warehouse = 60, server.client()
    job = warehouse.query("SELECT 1")
    found = attaching.running(warehouse, " SELECT 1\n", None, HERE)
    assert found.job_id == job.job_id
    parameter = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("n", "INT64", 1)])
    table = bigquery.QueryJobConfig(destination="p.d.t")
    for query, config, where in (
        ("SELECT 2", None, HERE),
        ("SELECT 1", parameter, HERE),
        ("SELECT 1", table, HERE),
        ("SELECT 1", None, Place("c2", "a.ipynb")),
        ("SELECT 1", None, Place("c1", "b.ipynb")),
        ("SELECT 1", None, Place("", "a.ipynb")),
    ):
        assert attaching.running(warehouse, query, config, where) is None, (query, config, where)
    job.cancel()
    assert attaching.running(warehouse, "SELECT 1", None, HERE) is None


@pytest.mark.usefixtures("at")
def test_a_warehouse_that_does_not_list_is_no_reason_not_to_query() -> None:
    assert attaching.running(object(), "SELECT 1", None, HERE) is None


def test_the_latest_query_is_of_the_cell_and_then_of_the_notebook(server: Server, at: list[Place]) -> None:
    warehouse = server.client()
    assert attaching.latest(warehouse, HERE) is None
    ids = []
    for cell in ("c1", "c1", "c2"):
        at[0] = Place(cell, "a.ipynb")
        ids.append(warehouse.query(f"SELECT {len(ids)}").job_id)
        server.jobs[ids[-1]]["begun"] += len(ids)
    at[0] = Place("c1", "b.ipynb")
    other = warehouse.query("SELECT 4").job_id
    assert attaching.latest(warehouse, HERE).job_id == ids[1]
    assert attaching.latest(warehouse, Place("c9", "a.ipynb")).job_id == ids[2]
    assert attaching.latest(warehouse, Place("", "b.ipynb")).job_id == other
    assert attaching.latest(warehouse, Place("c1", "")) is None
    for name in (other, f"p:US.{other}"):
        assert attaching.named(warehouse, name).job_id == other
    with pytest.raises(NotFound) as caught:
        attaching.named(warehouse, "nonsense")
    assert said(caught.value) == "Not found: Job p:nonsense"


@pytest.mark.usefixtures("at")
def test_a_result_that_does_not_fit_is_refused_before_it_is_fetched(
    server: Server, room: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    for name in guard.FACTORS:
        monkeypatch.setattr(
            table.RowIterator,
            name,
            guard._guarded(lambda _, n=name: fetched.append(n), (2.0, 2.0), lambda: room["free"]),
        )
    server.rows, server.table_bytes = 10**9, 8 * 10**9
    rows = server.client().query("SELECT 1").result()
    with pytest.raises(
        ResultTooLargeError, match=r"(?s)needs about 14.9 GiB, 10 GiB are free.*%bq_attach carrel_c1_"
    ):
        rows.to_dataframe()
    assert fetched == []
    room["free"] = 16 * GIB
    rows.to_dataframe()
    room["free"] = 10 * GIB
    monkeypatch.setenv("CARREL_RESULT_GUARD", "off")
    rows.to_arrow()
    assert fetched == ["to_dataframe", "to_arrow"]
