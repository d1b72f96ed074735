"""What a query costs is said wherever a job is shown, and one that costs too much never reaches the emulator."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from carrel_warehouse.stand_in.app import build
from carrel_warehouse.stand_in.lives import LOST
from carrel_warehouse.stand_in.settings import Settings
from carrel_warehouse.stand_in.shims import translated
from unit.warehouse.doubles import ApiServer, Client, EmulatorDouble, signed_in

PROJECT = "/bigquery/v2/projects/p"
TEN_MIB = str(10 * 1024**2)
ORDERS = {
    "schema": {"fields": [{"name": "id", "type": "INTEGER"}, {"name": "name", "type": "STRING"}]},
    "numRows": "1000",
}
SQL = "SELECT id FROM d.orders"


class Person:
    """Calls as Ada."""

    def __init__(self, client: Client, headers: dict[str, str]) -> None:
        self._client = client
        self._headers = headers

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self._client.request(
            method, f"{PROJECT}/{path}", json=body, headers=self._headers
        ) as answer:
            return answer.status, await answer.json()

    async def insert(self, sql: str, job: str = "j", **query: Any) -> tuple[int, Any]:
        configuration = {"query": {"query": sql, "useLegacySql": False, **query}}
        return await self("POST", "jobs", {"jobReference": {"jobId": job}, "configuration": configuration})

    async def dry_run(self, sql: str, **query: Any) -> tuple[str, str]:
        configuration = {"dryRun": True, "query": {"query": sql, **query}}
        status, job = await self("POST", "jobs", {"configuration": configuration})
        assert status == 200
        assert job["statistics"]["query"]["totalBytesBilled"] == "0"
        assert job["statistics"]["totalBytesProcessed"] == job["statistics"]["query"]["totalBytesProcessed"]
        return (
            job["statistics"]["totalBytesProcessed"],
            job["statistics"]["query"]["totalBytesProcessedAccuracy"],
        )


@pytest.fixture
async def ada(client: Client, api_server: ApiServer, emulator: EmulatorDouble) -> Person:
    emulator.tables["orders"] = ORDERS
    emulator.weights = [1000, 8000, 5000]
    return Person(client, await signed_in(client, api_server, "user-ada"))


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        (SQL, ("8000", "PRECISE")),
        ("SELECT * FROM d.orders", ("13000", "PRECISE")),
        ("SELECT COUNT(*) FROM d.orders", ("0", "PRECISE")),
        (f"{SQL}; {SQL}", ("16000", "UPPER_BOUND")),
        ("SELECT id FROM `d.ord*`", ("13000", "UPPER_BOUND")),
        ("DECLARE x INT64; SELECT id FROM d.orders", ("13000", "UPPER_BOUND")),
        ("SELECT nosuch FROM d.orders", ("13000", "UPPER_BOUND")),
        ("SELECT (", ("0", "UPPER_BOUND")),
        ("SELECT (SELECT COUNT(*) FROM o.name) FROM d.orders AS o", ("13000", "UPPER_BOUND")),
        ("-- " + "x" * 300_000 + "\nSELECT id FROM d.orders", ("13000", "UPPER_BOUND")),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_dry_run_says_the_bytes(ada: Person, sql: str, wanted: tuple[str, str]) -> None:
    assert await ada.dry_run(sql) == wanted


async def test_hidden_rows_are_an_upper_bound(ada: Person, emulator: EmulatorDouble) -> None:
    emulator.weights = [0, 0, 0]
    assert await ada.dry_run(SQL) == ("8000", "UPPER_BOUND")
    assert await ada.dry_run("SELECT * FROM d.orders") == ("16000", "UPPER_BOUND")


async def test_a_view_that_is_not_understood_is_charged_with_its_tables(
    ada: Person, emulator: EmulatorDouble
) -> None:
    emulator.tables["v"] = {"view": {"query": "SELECT nosuch FROM `p.d.orders`"}}
    assert await ada.dry_run("SELECT nosuch FROM d.v") == ("13000", "UPPER_BOUND")


async def test_a_job_shows_its_bytes_everywhere(ada: Person) -> None:
    shown = [
        (await ada.insert(SQL))[1],
        (await ada("GET", "jobs/j"))[1],
        (await ada("GET", "jobs"))[1]["jobs"][0],
    ]
    for job in shown:
        statistics = job["statistics"]
        assert statistics["totalBytesProcessed"] == statistics["query"]["totalBytesProcessed"] == "8000"
        assert statistics["query"]["totalBytesBilled"] == TEN_MIB


async def test_a_weight_is_kept_until_something_is_written(ada: Person, emulator: EmulatorDouble) -> None:
    for _ in range(3):
        await ada.dry_run(SQL)
        await ada.insert("SELECT 1")
    assert emulator.weighings == 1
    await ada("POST", "datasets/d/tables/orders/insertAll", {})
    await ada.dry_run(SQL)
    assert emulator.weighings == 2
    emulator.add("w", status={"state": "RUNNING"})
    await ada.insert("DELETE FROM d.orders WHERE TRUE", "x")
    emulator.jobs[-1]["status"] = {"state": "RUNNING"}
    for _ in range(2):  # nothing is kept while it is being changed
        await ada.dry_run(SQL)
    assert emulator.weighings == 4
    emulator.jobs[-1]["status"] = {"state": "DONE"}
    for _ in range(2):
        await ada.dry_run(SQL)
    assert emulator.weighings == 5


async def test_over_its_limit_a_job_fails_and_runs_nothing(ada: Person, emulator: EmulatorDouble) -> None:
    message = f"Query exceeded limit for bytes billed: 1. {TEN_MIB} or higher required."
    error = {"reason": "bytesBilledLimitExceeded", "message": message}
    status, job = await ada.insert(SQL, maximumBytesBilled="1")
    listed = (await ada("GET", "jobs"))[1]["jobs"][0]
    for shown in (job, (await ada("GET", "jobs/j"))[1], listed):
        assert status == 200
        assert shown["status"] == {"state": "DONE", "errorResult": error, "errors": [error]}
        assert shown["configuration"]["query"]["query"] == SQL
        assert shown["statistics"]["query"]["totalBytesBilled"] == "0"
    assert emulator.ran == ["SELECT 1"]
    status, answer = await ada("GET", "queries/j")
    assert (status, answer["error"]["errors"][0]["reason"]) == (400, error["reason"])


async def test_over_its_limit_a_query_is_a_bad_request(ada: Person) -> None:
    body = {"query": SQL, "requestId": "r", "maximumBytesBilled": "1"}
    status, answer = await ada("POST", "queries", body)
    assert (status, answer["error"]["errors"][0]["reason"]) == (400, "bytesBilledLimitExceeded")
    assert answer["error"]["message"].startswith("Query exceeded limit for bytes billed: 1.")


@pytest.mark.parametrize("limit", [TEN_MIB, None, "nonsense", 10**18])
async def test_within_its_limit_a_job_runs(ada: Person, emulator: EmulatorDouble, limit: Any) -> None:
    await ada.insert(SQL, maximumBytesBilled=limit)
    assert emulator.ran == [SQL]


async def test_a_dry_run_has_no_limit(ada: Person) -> None:
    assert await ada.dry_run(SQL, maximumBytesBilled="1") == ("8000", "PRECISE")


async def test_a_refusal_leaves_another_job_of_its_id_alone(ada: Person) -> None:
    await ada.insert(SQL)
    status, _ = await ada.insert("SELECT name FROM d.orders", maximumBytesBilled="1")
    assert status == 409
    job = (await ada("GET", "jobs/j"))[1]
    assert "status" not in job
    assert job["statistics"]["totalBytesProcessed"] == "8000"
    assert job["configuration"]["query"]["query"] == SQL


async def test_a_job_that_fills_a_table_names_it(ada: Person) -> None:
    table = {"projectId": "p", "datasetId": "d", "tableId": "t"}
    _, job = await ada.insert("CREATE TABLE d.t AS SELECT 1 AS x")
    assert job["configuration"]["query"]["destinationTable"] == table
    _, job = await ada.insert("CREATE TEMP TABLE t AS SELECT 1 AS x", "temporary")
    assert "destinationTable" not in job["configuration"]["query"]


async def test_a_text_in_other_words_is_shown_as_it_was_sent(ada: Person, emulator: EmulatorDouble) -> None:
    sql = "SET (v) = (SELECT AS STRUCT 1)"
    _, job = await ada.insert(sql)
    assert emulator.ran == ["SET v = (SELECT  1)"]
    assert job["configuration"]["query"]["query"] == sql


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("set (v) = (\n select as struct\n x from t)", "set v = (\n select \n x from t)"),
        ("SELECT 'set (v) = (select as struct 1)'", "SELECT 'set (v) = (select as struct 1)'"),
        ("SET (a, b) = (SELECT AS STRUCT 1, 2)", "SET (a, b) = (SELECT AS STRUCT 1, 2)"),
        (
            "SET (v) = (SELECT AS STRUCT 1); SET (w) = (SELECT AS STRUCT 2);",
            "SET v = (SELECT  1); SET w = (SELECT  2);",
        ),
        ("SELECT AS STRUCT 'unclosed", "SELECT AS STRUCT 'unclosed"),
        (
            "SELECT struct(id, t.`a b`, f(x), y AS z, 1, ',(', NULL, STRUCT(date))",
            "SELECT struct(id AS id, t.`a b` AS `a b`, f(x), y AS z, 1, ',(', NULL, STRUCT(date AS date))",
        ),
        ("SELECT STRUCT<a INT64>(b), STRUCT(), STRUCT(c", "SELECT STRUCT<a INT64>(b), STRUCT(), STRUCT(c"),
    ],
)
def test_the_text_for_the_emulator(sql: str, sent: str) -> None:
    assert translated(sql) == sent


async def until(probe: Callable[[], Awaitable[Any]]) -> Any:
    """The first true answer."""
    async with asyncio.timeout(30):
        while not (found := await probe()):  # noqa: ASYNC110 what is waited for is seen from outside
            await asyncio.sleep(0.01)
    return found


async def met(emulator: EmulatorDouble, times: int) -> None:
    """Wait until the stand-in has looked so often who its emulator is."""

    async def enough() -> bool:
        return emulator.meetings >= times

    await until(enough)


async def test_what_ran_when_the_emulator_died_has_failed(
    settings: Settings,
    servers: tuple[TestServer, TestServer],
    emulator: EmulatorDouble,
    api_server: ApiServer,
) -> None:
    async with TestClient(TestServer(await build(settings))) as client:
        ada = Person(client, await signed_in(client, api_server, "user-ada"))
        await met(emulator, 1)
        for job in ("done", "running"):
            await ada.insert("SELECT 1", job)
            emulator.jobs[-1] |= {"state": job.upper(), "status": {"state": job.upper()}}
        assert (await ada("GET", "jobs/running"))[1]["status"] == {"state": "RUNNING"}
        port = servers[1].port
        await servers[1].close()
        emulator.process = "2"
        async with TestServer(emulator.application(), port=port):

            async def over() -> Any:
                status, job = await ada("GET", "jobs/running")
                return job if status == 200 and job["status"]["state"] == "DONE" else None

            job = await until(over)
            assert job["status"]["errorResult"]["reason"] == LOST.reason
            assert (await ada("GET", "jobs/done"))[1]["status"] == {"state": "DONE"}
            status, answer = await ada("GET", "queries/running")
            assert (status, answer["error"]["errors"][0]["reason"]) == (400, LOST.reason)
            listed = (await ada("GET", "jobs?stateFilter=done"))[1]["jobs"]
            assert {each["jobReference"]["jobId"] for each in listed} == {"done", "running"}
            assert not (await ada("GET", "jobs?stateFilter=running"))[1]["jobs"]


async def test_the_same_emulator_keeps_its_jobs_when_the_stand_in_restarts(
    settings: Settings, emulator: EmulatorDouble, api_server: ApiServer
) -> None:
    for life in (1, 2):
        async with TestClient(TestServer(await build(settings))) as client:
            ada = Person(client, await signed_in(client, api_server, "user-ada"))
            await met(emulator, life)
            await ada.insert("SELECT 1")
            emulator.jobs[-1] |= {"state": "RUNNING", "status": {"state": "RUNNING"}}
            assert (await ada("GET", "jobs/j"))[1]["status"] == {"state": "RUNNING"}


async def test_a_statement_whose_dry_run_the_emulator_trips_over_is_tried_without_it(ada: Person) -> None:
    sql = f"CREATE TEMP FUNCTION f(x INT64) AS (x); {SQL}"
    processed, accuracy = await ada.dry_run(sql)
    assert (processed, accuracy) == ("8000", "PRECISE")
