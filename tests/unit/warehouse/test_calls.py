"""With an access token a call reaches the emulator as it was sent, signed as its person; without one it is a 401."""

import gzip
import io
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from carrel_warehouse.stand_in.app import build
from carrel_warehouse.stand_in.settings import Settings
from unit.warehouse.doubles import ApiServer, Client, EmulatorDouble, signed_in

JOBS = "/bigquery/v2/projects/p/jobs"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "required"),
        ("Basic YTpi", "required"),
        ("Bearer", "required"),
        ("Bearer ", "required"),
        ("Bearer nonsense", "authError"),
        ("Bearer eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFkYUBleGFtcGxlLm9yZyJ9.", "authError"),
    ],
)
async def test_without_a_good_token_there_is_only_401(
    client: Client, header: str | None, reason: str
) -> None:
    async with client.get(JOBS, headers={"Authorization": header} if header else {}) as answer:
        error = (await answer.json())["error"]
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert (answer.status, error["code"], error["status"]) == (401, 401, "UNAUTHENTICATED")
    assert error["errors"][0]["reason"] == reason


async def test_a_token_of_an_earlier_process_is_not_ours(
    client: Client, api_server: ApiServer, settings: Settings
) -> None:
    header = await signed_in(client, api_server, "user-ada")
    async with (
        TestClient(TestServer(await build(settings))) as restarted,
        restarted.get(JOBS, headers=header) as answer,
    ):
        assert answer.status == 401


@pytest.mark.parametrize("path", ["/x?a=1%2F2&b=%20c+d&c=", "/x/%2Fy%20z", "/x//y?"])
async def test_the_address_is_passed_on_letter_by_letter(
    client: Client, api_server: ApiServer, path: str
) -> None:
    async with client.session.get(
        URL(str(client.make_url("")).rstrip("/") + path, encoded=True),
        headers=await signed_in(client, api_server, "user-ada"),
    ) as answer:
        assert (await answer.json())["path"].rstrip("?") == path.rstrip("?")


async def test_host_is_kept_since_uploads_are_addressed_by_it(client: Client, api_server: ApiServer) -> None:
    headers = await signed_in(client, api_server, "user-ada") | {"Host": "warehouse.carrel.svc:9050"}
    async with client.get("/x", headers=headers) as answer:
        assert (await answer.json())["host"] == "warehouse.carrel.svc:9050"


async def test_a_large_body_flows_through(client: Client, api_server: ApiServer) -> None:
    async with client.put(
        "/x", data=io.BytesIO(b"x" * 30_000_000), headers=await signed_in(client, api_server, "user-ada")
    ) as answer:
        assert (await answer.json())["size"] == 30_000_000


async def test_a_compressed_body_arrives(client: Client, api_server: ApiServer) -> None:
    headers = await signed_in(client, api_server, "user-ada") | {"Content-Encoding": "gzip"}
    async with client.post("/x", data=gzip.compress(b'{"a": 1}'), headers=headers) as answer:
        assert (await answer.json())["body"] == '{"a": 1}'


async def test_a_redirect_is_the_clients_business(client: Client, api_server: ApiServer) -> None:
    async with client.get(
        "/elsewhere", headers=await signed_in(client, api_server, "user-ada"), allow_redirects=False
    ) as answer:
        assert (answer.status, answer.headers["Range"]) == (308, "bytes=0-9")


@pytest.mark.parametrize("call", [("GET", "/x"), ("GET", JOBS), ("POST", JOBS)], ids=str)
async def test_without_the_emulator_clients_are_told_to_try_again(
    client: Client, api_server: ApiServer, servers: Any, call: tuple[str, str]
) -> None:
    headers = await signed_in(client, api_server, "user-ada")
    await servers[1].close()
    async with client.request(*call, headers=headers) as answer:
        assert (answer.status, (await answer.json())["error"]["errors"][0]["reason"]) == (503, "backendError")


async def test_a_job_bears_the_name_of_who_began_it(client: Client, api_server: ApiServer) -> None:
    ada, auditor = (
        await signed_in(client, api_server, "user-ada"),
        await signed_in(client, api_server, "auditor"),
    )
    async with client.post(JOBS, json={"configuration": {}}, headers=ada) as answer:
        job = await answer.json()
    assert job["user_email"] == "ada@example.org"
    job_id = job["jobReference"]["jobId"]
    async with client.get(f"{JOBS}/{job_id}", headers=auditor) as answer:
        assert (await answer.json())["user_email"] == "ada@example.org"
    async with client.post(f"{JOBS}/{job_id}/cancel", headers=ada) as answer:
        assert (await answer.json())["job"]["user_email"] == "ada@example.org"


async def test_the_first_to_use_a_job_id_has_it(client: Client, api_server: ApiServer) -> None:
    job = {"jobReference": {"projectId": "p", "jobId": "mine"}}
    for account, status in (("user-ada", 200), ("user-bob", 409)):
        headers = await signed_in(client, api_server, account)
        async with client.post(JOBS, json=job, headers=headers) as answer:
            assert answer.status == status
    async with client.get(f"{JOBS}/mine", headers=await signed_in(client, api_server, "auditor")) as answer:
        assert (await answer.json())["user_email"] == "ada@example.org"


async def test_an_upload_and_a_query_are_jobs_too(
    client: Client, api_server: ApiServer, emulator: EmulatorDouble
) -> None:
    bob = await signed_in(client, api_server, "user-bob")
    async with client.post(f"/upload{JOBS}", json={"jobReference": {"jobId": "up"}}, headers=bob) as answer:
        assert (await answer.json())["user_email"] == "bob@corp.example"
    async with client.post(
        "/bigquery/v2/projects/p/queries", json={"query": "SELECT 1"}, headers=bob
    ) as answer:
        sent = json.loads((await answer.json())["body"])
    assert sent["query"] == "SELECT 1"
    emulator.add(sent["requestId"])
    async with client.get(f"{JOBS}/{sent['requestId']}", headers=bob) as answer:
        assert (await answer.json())["user_email"] == "bob@corp.example"


async def test_a_list_shows_ones_own_jobs_unless_asked_for_all(
    client: Client, api_server: ApiServer, emulator: EmulatorDouble
) -> None:
    ada, bob = (
        await signed_in(client, api_server, "user-ada"),
        await signed_in(client, api_server, "user-bob"),
    )
    for headers, job_id in ((ada, "a"), (bob, "b")):
        async with client.post(JOBS, json={"jobReference": {"jobId": job_id}}, headers=headers):
            pass
    emulator.add("script_job_b_0", statistics={"parentJobId": "b"})
    emulator.add("from before")

    async def listed(headers: dict[str, str], query: str) -> set[str]:
        async with client.get(JOBS + query, headers=headers) as answer:
            document = await answer.json()
        assert document["nextPageToken"] == "2"
        return {job["jobReference"]["jobId"] for job in document["jobs"]}

    assert await listed(ada, "") == {"a"}
    assert await listed(bob, "?maxResults=9") == {"b", "script_job_b_0"}
    assert await listed(ada, "?allUsers=True") == {"a", "b", "script_job_b_0", "from before"}


async def test_names_survive_a_restart(client: Client, api_server: ApiServer, settings: Settings) -> None:
    async with client.post(
        JOBS, json={"jobReference": {"jobId": "a"}}, headers=await signed_in(client, api_server, "user-ada")
    ):
        pass
    async with TestClient(TestServer(await build(settings))) as restarted:
        auditor = await signed_in(restarted, api_server, "auditor")
        async with restarted.get(f"{JOBS}/a", headers=auditor) as answer:
            assert (await answer.json())["user_email"] == "ada@example.org"


@pytest.mark.parametrize("body", [b"", b"{", b"[]"])
async def test_a_body_that_is_no_job_is_for_the_emulator_to_refuse(
    client: Client, api_server: ApiServer, body: bytes
) -> None:
    async with client.post(
        "/bigquery/v2/projects/p/queries", data=body, headers=await signed_in(client, api_server, "user-ada")
    ) as answer:
        assert (await answer.json())["body"] == body.decode()
