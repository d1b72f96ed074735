"""The server's side of "My queries": a person's own jobs, read for people, and every refusal a sentence."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import google.auth
import pytest
from aiohttp.test_utils import TestServer
from google.auth.exceptions import DefaultCredentialsError

from carrel_lab.queries.labels import document
from carrel_lab.queries_panel import jobs
from carrel_lab.queries_panel.warehouse import Warehouse, WarehouseError
from unit.notebook.queries_panel_doubles import JOBS, TIB, Ask, BigQuery, Credentials, Serving, job


@pytest.fixture
def bigquery() -> BigQuery:
    return BigQuery()


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Credentials:
    found = Credentials()
    monkeypatch.setattr(google.auth, "default", lambda **_: (found, "demo"))
    return found


@pytest.fixture
async def host(bigquery: BigQuery) -> AsyncIterator[str]:
    async with TestServer(bigquery.application()) as server:
        yield str(server.make_url(""))


@pytest.fixture
async def ask(
    host: str, identity: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ask]:
    """Asks the server's routes; Jupyter's part of them is Tornado's own here."""
    del identity
    async with Serving(Warehouse(host, "demo"), tmp_path, monkeypatch) as asking:
        yield asking


async def test_a_job_is_told_with_bytes_money_and_the_notebook_it_came_from(
    ask: Ask, bigquery: BigQuery, tmp_path: Path
) -> None:
    (tmp_path / "Work").mkdir()
    (tmp_path / "Work" / "a b.ipynb").touch()
    there = job("a")
    there["configuration"]["labels"]["carrel_document"] = document("Work/a b.ipynb")
    bigquery.pages = [[job("b", created=900), there]]
    status, answer = await ask("")
    assert status == 200
    assert answer["budget"] == bigquery.budget
    assert answer["now"] > 1_700_000_000_000
    first, second = answer["queries"]
    assert (first["id"], first["state"], first["document"], first["cell"]) == (
        "a",
        "done",
        "Work/a b.ipynb",
        "c1",
    )
    assert (first["created"], first["started"], first["ended"]) == (1000, 1005, 1900)
    assert (first["bytes_processed"], first["bytes_billed"], first["cost"]) == (100, TIB // 2, 3.125)
    assert (second["id"], second["document"]) == ("b", None), "its notebook is gone"


async def test_without_a_gateway_nothing_is_said_of_money(ask: Ask, bigquery: BigQuery) -> None:
    bigquery.budget = None
    status, answer = await ask("")
    assert (status, answer["budget"], answer["queries"][0]["cost"]) == (200, None, None)


async def test_pages_are_put_together_until_there_are_enough(ask: Ask, bigquery: BigQuery) -> None:
    child = job("child")
    child["statistics"]["parentJobId"] = "a"
    load = job("load", configuration={"load": {}})
    bigquery.pages = [
        [child, load],
        [job(f"q{number}", created=number) for number in range(60)],
        [job("never")],
    ]
    _, answer = await ask("")
    assert [query["id"] for query in answer["queries"]] == [f"q{number}" for number in range(59, 9, -1)]
    assert len(bigquery.asked) == 2


async def test_a_query_is_cancelled_where_it_runs(ask: Ask, bigquery: BigQuery) -> None:
    status, answer = await ask("/a-1_b/cancel?location=EU", "POST")
    assert (status, answer["id"]) == (200, "a-1_b")
    assert bigquery.asked == [f"POST {JOBS}/a-1_b/cancel?location=EU"]


async def test_a_token_that_is_no_longer_good_is_renewed(
    ask: Ask, bigquery: BigQuery, identity: Credentials
) -> None:
    assert (await ask(""))[0] == 200
    bigquery.valid = "token-2"
    assert (await ask(""))[0] == 200
    assert identity.refreshed == 2


async def test_who_cannot_sign_in_is_told_what_helps(ask: Ask, identity: Credentials) -> None:
    identity.works = False
    status, answer = await ask("")
    assert status == 502
    assert "!carrel-doctor" in answer["message"]


async def test_what_is_refused_is_told_in_bigquerys_words(ask: Ask, bigquery: BigQuery) -> None:
    bigquery.refusal = 403, {"error": {"message": "Access Denied: bigquery.jobs.list"}}
    assert await ask("") == (403, {"message": "Access Denied: bigquery.jobs.list"})
    bigquery.refusal = 500, {"error": {"message": "Backend error."}}
    assert await ask("") == (502, {"message": "Backend error."})
    for nonsense in ((200, "<html>"), (200, "[]"), (503, "no JSON object"), (400, {"error": "odd"})):
        bigquery.refusal = nonsense
        status, answer = await ask("")
        assert status == 502
        assert answer["message"].startswith("Something answered in the warehouse's place.")


async def test_a_silent_warehouse_and_none_at_all_are_sentences(
    identity: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del identity
    async with Serving(Warehouse("http://127.0.0.1:9", "demo"), tmp_path, monkeypatch) as ask:
        status, answer = await ask("")
        assert status == 502
        assert "does not answer" in answer["message"]
    async with Serving(None, tmp_path, monkeypatch) as ask:
        status, answer = await ask("")
        assert status == 404
        assert "has no warehouse" in answer["message"]


def test_the_environment_says_which_warehouse(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Warehouse.from_environment({}) is None
    assert Warehouse.from_environment({"BIGQUERY_EMULATOR_HOST": "http://x"}) is None
    found = Warehouse.from_environment({"GOOGLE_CLOUD_PROJECT": "demo"})
    assert found

    def nobody(**_: Any) -> None:
        raise DefaultCredentialsError("no credentials")

    monkeypatch.setattr(google.auth, "default", nobody)
    with pytest.raises(WarehouseError, match="carrel-doctor"):
        found.queries()


@pytest.mark.parametrize(
    ("more", "state", "error"),
    [
        ({"state": "RUNNING"}, "running", None),
        ({"state": "PENDING"}, "pending", None),
        (
            {"state": "DONE", "errorResult": {"reason": "stopped", "message": "Stopped."}},
            "cancelled",
            "Stopped.",
        ),
        ({"state": "DONE", "errorResult": {"reason": "invalidQuery", "message": "No."}}, "failed", "No."),
    ],
)
def test_what_has_become_of_a_job(more: dict[str, Any], state: str, error: str | None) -> None:
    found = jobs.view(job("a") | more, None)
    assert (found["state"], found["error"]) == (state, error)


def test_a_job_that_tells_little_is_shown_with_little() -> None:
    told = {
        "jobReference": {"jobId": "a"},
        "status": {"state": "RUNNING"},
        "configuration": {"query": {"query": "x" * 900}},
    }
    found = jobs.view(told, 6.25)
    assert (found["state"], len(found["statement"]), found["cost"], found["created"]) == (
        "running",
        500,
        None,
        None,
    )
