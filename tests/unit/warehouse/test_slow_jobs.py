"""A job with a label takes its time: it runs, has no rows yet, and ends when its time is over or somebody cancels it."""

import asyncio

import pytest

from carrel_warehouse.stand_in.slow import LABEL, SlowJobs
from unit.warehouse.doubles import ApiServer, Client, EmulatorDouble, signed_in

PROJECT = "/bigquery/v2/projects/p"
DONE = {"state": "DONE", "status": {"state": "DONE"}, "statistics": {"startTime": "1", "endTime": "2"}}


async def test_a_slow_job_runs_until_it_is_cancelled(
    client: Client, api_server: ApiServer, emulator: EmulatorDouble
) -> None:
    ada = await signed_in(client, api_server, "user-ada")
    job = {"jobReference": {"jobId": "slow"}, "configuration": {"labels": {LABEL: "600"}}}

    async def asked(path: str) -> dict[str, object]:
        async with client.get(f"{PROJECT}/{path}", headers=ada) as answer:
            found: dict[str, object] = await answer.json()
            return found

    async with client.post(f"{PROJECT}/jobs", json=job, headers=ada) as answer:
        assert (await answer.json())["status"] == {"state": "RUNNING"}
    emulator.jobs[0] |= DONE
    shown = await asked("jobs/slow")
    assert (shown["status"], shown["statistics"]) == ({"state": "RUNNING"}, {"startTime": "1"})
    assert shown["user_email"] == "ada@example.org"
    [listed] = (await asked("jobs"))["jobs"]  # type: ignore[misc]
    assert listed["state"] == "RUNNING"
    assert (await asked("queries/slow?timeoutMs=10"))["jobComplete"] is False
    async with client.post(f"{PROJECT}/jobs/slow/cancel", headers=ada) as answer:
        status = (await answer.json())["job"]["status"]
    assert (status["state"], status["errorResult"]["reason"]) == ("DONE", "stopped")
    assert (await asked("jobs/slow"))["statistics"] == DONE["statistics"]
    assert (await asked("queries/slow"))["error"]["errors"][0]["reason"] == "stopped", (
        "a client must not go on waiting"
    )
    [listed] = (await asked("jobs"))["jobs"]  # type: ignore[misc]
    assert listed["errorResult"]["reason"] == "stopped"


async def test_a_job_that_is_over_cannot_be_cancelled(
    client: Client, api_server: ApiServer, emulator: EmulatorDouble
) -> None:
    ada = await signed_in(client, api_server, "user-ada")
    job = {"jobReference": {"jobId": "quick"}, "configuration": {"labels": {LABEL: "0"}}}
    async with client.post(f"{PROJECT}/jobs", json=job, headers=ada):
        emulator.jobs[0] |= DONE
    async with client.post(f"{PROJECT}/jobs/quick/cancel", headers=ada) as answer:
        assert (await answer.json())["job"]["status"] == {"state": "DONE"}


async def test_a_query_in_one_call_waits_as_long_as_its_client_would(
    client: Client, api_server: ApiServer
) -> None:
    ada = await signed_in(client, api_server, "user-ada")
    query = {"query": "SELECT 1", "requestId": "q", "labels": {LABEL: "600"}, "timeoutMs": 10}
    async with client.post(f"{PROJECT}/queries", json=query, headers=ada) as answer:
        reference = {"projectId": "p", "jobId": "q"}
        assert await answer.json() == {"jobReference": reference, "jobComplete": False}
    async with client.post(
        f"{PROJECT}/queries", json=query | {"requestId": "r", "labels": {LABEL: "0"}}, headers=ada
    ) as answer:
        assert "jobComplete" not in await answer.json()


async def test_rows_come_when_the_time_is_over(client: Client, api_server: ApiServer) -> None:
    ada = await signed_in(client, api_server, "user-ada")
    query = {"query": "SELECT 1", "requestId": "q", "labels": {LABEL: "1"}}
    async with asyncio.timeout(5), client.post(f"{PROJECT}/queries", json=query, headers=ada) as answer:
        assert "jobComplete" not in await answer.json()


@pytest.mark.parametrize(
    ("labels", "left"),
    [
        ({LABEL: "60"}, 60.0),
        ({LABEL: "9999999"}, 21_600.0),
        ({LABEL: "-1"}, 0.0),
        ({LABEL: 60}, 0.0),
        (None, 0.0),
    ],
)
def test_how_long(labels: object, left: float) -> None:
    now = 100.0
    slow = SlowJobs(clock=lambda: now)
    slow.note("p", "a", labels)
    assert slow.left("p", "a") == left
    slow.cancel("p", "a")
    assert slow.left("p", "a") == 0.0


def test_the_first_to_use_an_id_has_its_time() -> None:
    now = 100.0
    slow = SlowJobs(clock=lambda: now)
    slow.note("p", "a", {LABEL: "60"})
    slow.note("p", "a", {LABEL: "7200"})
    assert slow.left("p", "a") == 60.0
    now += 60
    assert slow.left("p", "a") == 0.0
