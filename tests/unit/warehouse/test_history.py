"""INFORMATION_SCHEMA.JOBS holds what the list of jobs shows, for administrators; everybody has JOBS_BY_USER."""

# ruff: noqa: S608 texts for the stand-in, none of which a database runs

import json
from typing import Any

import pytest

from carrel_warehouse.stand_in import history
from carrel_warehouse.stand_in.people import Caller
from unit.warehouse.doubles import ApiServer, Client, EmulatorDouble, signed_in

PROJECT = "/bigquery/v2/projects/p"
ADA = Caller("ada@example.org", "principal://x")
TABLE = "(SELECT * FROM `carrel-history.jobs.p`)"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT * FROM `region-us`.INFORMATION_SCHEMA.JOBS", f"SELECT * FROM {TABLE} AS JOBS"),
        ("SELECT * FROM `p.region-us.INFORMATION_SCHEMA.JOBS` AS j", f"SELECT * FROM {TABLE} AS j"),
        ("select * from `p`.`region-eu`.information_schema.jobs_by_project j", f"select * from {TABLE} j"),
        ("SELECT * FROM region-us.INFORMATION_SCHEMA.JOBS WHERE x", f"SELECT * FROM {TABLE} AS JOBS WHERE x"),
        (
            "SELECT * FROM d.INFORMATION_SCHEMA.JOBS, UNNEST(labels)",
            f"SELECT * FROM {TABLE} AS JOBS, UNNEST(labels)",
        ),
        ("SELECT 'x.INFORMATION_SCHEMA.JOBS'", "SELECT 'x.INFORMATION_SCHEMA.JOBS'"),
        ("SELECT 1 -- INFORMATION_SCHEMA.JOBS", "SELECT 1 -- INFORMATION_SCHEMA.JOBS"),
        ("SELECT * FROM INFORMATION_SCHEMA.JOBS_TIMELINE", "SELECT * FROM INFORMATION_SCHEMA.JOBS_TIMELINE"),
        (
            "SELECT * FROM INFORMATION_SCHEMA.JOBS WHERE 'open",
            "SELECT * FROM INFORMATION_SCHEMA.JOBS WHERE 'open",
        ),
    ],
)
def test_the_table_takes_the_views_place(sql: str, told: str) -> None:
    assert history.rewritten(sql, "p", ADA) == told
    assert history.reads_jobs(sql) is (sql != told)


def test_of_jobs_by_user_only_ones_own_are_left() -> None:
    told = history.rewritten("SELECT 1 FROM `region-us`.INFORMATION_SCHEMA.JOBS_BY_USER", "p", ADA)
    assert told.endswith('`carrel-history.jobs.p` WHERE user_email = "ada@example.org") AS JOBS_BY_USER')


def test_a_row_has_what_the_job_shows_and_no_column_more_or_less() -> None:
    job = {
        "jobReference": {"projectId": "p", "jobId": "j", "location": "US"},
        "user_email": "ada@example.org",
        "state": "DONE",
        "configuration": {"query": {"query": "SELECT 1"}, "labels": {"carrel_cell": "a1"}},
        "status": {"state": "DONE", "errorResult": {"reason": "stopped", "message": "Cancelled."}},
        "statistics": {
            "creationTime": "1000",
            "endTime": "2500",
            "totalBytesProcessed": "8000",
            "query": {"statementType": "SELECT", "totalBytesBilled": "10485760"},
        },
    }
    found = history.row(job, "principal://x")
    assert set(found) == {column["name"] for column in history.schema()}
    assert (found["creation_time"], found["start_time"]) == ("1970-01-01T00:00:01+00:00", None)
    assert (found["total_bytes_processed"], found["total_bytes_billed"]) == (8000, 10485760)
    assert (found["job_type"], found["statement_type"], found["cache_hit"]) == ("QUERY", "SELECT", False)
    assert found["labels"] == [{"key": "carrel_cell", "value": "a1"}]
    assert found["error_result"] == {"reason": "stopped", "message": "Cancelled."}
    assert found["principal_subject"] == "principal://x"


async def ran(client: Client, headers: dict[str, str], sql: str, job: str) -> tuple[int, Any]:
    body = {"jobReference": {"jobId": job}, "configuration": {"query": {"query": sql}}}
    async with client.post(f"{PROJECT}/jobs", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_the_table_is_filled_before_it_is_read_and_the_job_shows_what_was_asked(
    client: Client, api_server: ApiServer, emulator: EmulatorDouble
) -> None:
    ada, auditor = [await signed_in(client, api_server, each) for each in ("user-ada", "auditor")]
    await ran(client, ada, "SELECT 1", "first")
    sql = "SELECT * FROM `region-us`.INFORMATION_SCHEMA.JOBS"
    status, job = await ran(client, auditor, sql, "second")
    assert (status, job["configuration"]["query"]["query"]) == (200, sql)
    assert emulator.ran[-1] == f"SELECT * FROM {TABLE} AS JOBS"
    [row] = [json.loads(line) for line in emulator.history.splitlines()]
    assert (row["job_id"], row["user_email"]) == ("first", "ada@example.org")
    assert row["principal_subject"].endswith("/subject/system:serviceaccount:carrel:user-ada")


@pytest.mark.parametrize(
    ("view", "status"),
    [
        ("`region-us`.INFORMATION_SCHEMA.JOBS", 403),
        ("d.INFORMATION_SCHEMA.JOBS", 403),
        ("`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT", 403),
        ("`region-us`.INFORMATION_SCHEMA.JOBS_BY_USER", 200),
        ("`carrel-history.jobs.p`", 403),
    ],
)
async def test_everybodys_jobs_are_for_administrators(
    client: Client, api_server: ApiServer, view: str, status: int
) -> None:
    ada = await signed_in(client, api_server, "user-ada")
    assert (await ran(client, ada, f"SELECT * FROM {view}", "j"))[0] == status
