"""`jobTimeoutMs`: what takes longer than its asker allowed is ended, and what is over stays as it is."""

from typing import Any

import pytest

from carrel_warehouse.stand_in.slow import LABEL
from unit.warehouse.doubles import ApiServer, Client, EmulatorDouble, signed_in

PROJECT = "/bigquery/v2/projects/p"
SAID = "Job execution was cancelled: Job timed out after 0.05s"


async def rows(client: Client, ada: dict[str, str], job: str) -> dict[str, Any]:
    async with client.get(f"{PROJECT}/queries/{job}?timeoutMs=5000", headers=ada) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def begin(client: Client, ada: dict[str, str], **more: Any) -> None:
    body = {"jobReference": {"jobId": "j"}, "configuration": {"query": {"query": "SELECT 1"}, **more}}
    async with client.post(f"{PROJECT}/jobs", json=body, headers=ada) as answer:
        assert answer.status == 200


async def test_a_slow_job_is_ended_while_somebody_waits_for_its_rows(
    client: Client, api_server: ApiServer
) -> None:
    ada = await signed_in(client, api_server, "user-ada")
    await begin(client, ada, labels={LABEL: "600"}, jobTimeoutMs="50")
    found = await rows(client, ada, "j")
    assert (found["error"]["errors"][0]["reason"], found["error"]["message"]) == ("stopped", SAID)
    async with client.get(f"{PROJECT}/jobs/j", headers=ada) as answer:
        status = (await answer.json())["status"]
    assert (status["state"], status["errorResult"]["message"]) == ("DONE", SAID)


async def test_jobs_query_has_it_too(client: Client, api_server: ApiServer) -> None:
    ada = await signed_in(client, api_server, "user-ada")
    body = {"query": "SELECT 1", "labels": {LABEL: "600"}, "jobTimeoutMs": "50"}
    async with client.post(f"{PROJECT}/queries", json=body, headers=ada) as answer:
        assert (answer.status, (await answer.json())["error"]["message"]) == (400, SAID)


@pytest.mark.parametrize("state", ["RUNNING", "DONE"])
async def test_the_emulators_own_time_counts(
    client: Client, api_server: ApiServer, emulator: EmulatorDouble, state: str
) -> None:
    ada = await signed_in(client, api_server, "user-ada")
    await begin(client, ada, jobTimeoutMs="50")
    emulator.jobs[0]["status"] = {"state": state}
    await begin_and_end_another(client, ada)
    assert ("error" in await rows(client, ada, "j")) == (state == "RUNNING")


async def begin_and_end_another(client: Client, ada: dict[str, str]) -> None:
    """As long as the first one's time lasts, and a little."""
    body = {"query": "SELECT 1", "requestId": "k", "labels": {LABEL: "600"}, "jobTimeoutMs": "200"}
    async with client.post(f"{PROJECT}/queries", json=body, headers=ada) as answer:
        assert answer.status == 400


@pytest.mark.parametrize("milliseconds", [None, "", "0", "-5", "soon", 1.5])
async def test_no_number_is_no_limit(client: Client, api_server: ApiServer, milliseconds: object) -> None:
    ada = await signed_in(client, api_server, "user-ada")
    await begin(client, ada, labels={LABEL: "1"}, jobTimeoutMs=milliseconds)
    assert "error" not in await rows(client, ada, "j")
