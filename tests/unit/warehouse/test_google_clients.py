"""Google's own libraries sign in and stay signed in, with the file that a notebook gets and nothing else."""

import asyncio
import json
from pathlib import Path
from typing import Any

import google.auth
import pytest
from aiohttp.test_utils import TestServer
from google.auth.exceptions import OAuthError, RefreshError
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery

from carrel_warehouse.stand_in.app import build
from carrel_warehouse.stand_in.settings import Settings
from unit.warehouse.doubles import LENT, ApiServer, Client, signed_in


@pytest.fixture
def token_file(tmp_path: Path, api_server: ApiServer) -> Path:
    path = tmp_path / "projected"
    path.write_text(api_server.token())
    return path


@pytest.fixture
def notebook(
    client: Client, settings: Settings, token_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The environment of a notebook; the stand-in's address."""
    address = str(client.make_url("")).rstrip("/")
    credentials = {
        "type": "external_account",
        "universe_domain": "googleapis.com",
        "audience": settings.audience,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{address}/sts/v1/token",
        "credential_source": {"file": str(token_file), "format": {"type": "text"}},
    }
    (tmp_path / "credentials.json").write_text(json.dumps(credentials))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "credentials.json"))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "carrel-demo")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", address)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    return address


def session() -> AuthorizedSession:
    credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/bigquery"])
    assert project == "carrel-demo"
    return AuthorizedSession(credentials)


async def test_google_auth_signs_in_by_itself(notebook: str) -> None:
    answer = await asyncio.to_thread(lambda: session().get(f"{notebook}/x").json())
    assert answer["email"] == "ada@example.org"


async def test_after_a_restart_google_auth_exchanges_again(
    notebook: str, client: Client, settings: Settings
) -> None:
    http = session()
    assert (await asyncio.to_thread(http.get, f"{notebook}/x")).status_code == 200
    port = client.server.port
    await client.close()
    async with TestServer(await build(settings), port=port):
        assert (await asyncio.to_thread(http.get, f"{notebook}/x")).status_code == 200


async def test_a_rotated_token_is_read_again(notebook: str, token_file: Path, api_server: ApiServer) -> None:
    http = session()
    assert (await asyncio.to_thread(http.get, f"{notebook}/x")).json()["email"] == "ada@example.org"
    await asyncio.to_thread(
        token_file.write_text, api_server.token(sub="system:serviceaccount:carrel:user-bob")
    )
    http.credentials.expiry = None
    http.credentials.token = None
    assert (await asyncio.to_thread(http.get, f"{notebook}/x")).json()["email"] == "bob@corp.example"


async def test_a_refusal_reaches_the_person(notebook: str, token_file: Path, api_server: ApiServer) -> None:
    await asyncio.to_thread(token_file.write_text, api_server.token(aud=["https://elsewhere.example"]))
    http = session()
    with pytest.raises(OAuthError, match="audience in the ID Token does not match"):
        await asyncio.to_thread(http.get, f"{notebook}/x")


@pytest.mark.usefixtures("notebook")
async def test_the_bigquery_client_needs_no_arguments() -> None:
    def run() -> Any:
        client = bigquery.Client()
        job = client.query("SELECT 1", job_id="chosen", job_retry=None)
        return (
            job.user_email,
            client.get_job("chosen").user_email,
            [job.job_id for job in client.list_jobs(max_results=1)],
        )

    assert await asyncio.to_thread(run) == ("ada@example.org", "ada@example.org", ["chosen"])


async def test_a_service_account_is_lent_to_whom_it_is_bound(
    notebook: str, token_file: Path, api_server: ApiServer, tmp_path: Path
) -> None:
    file = tmp_path / "credentials.json"
    lending = f"{notebook}/v1/projects/-/serviceAccounts/{LENT}:generateAccessToken"
    bound = json.loads(file.read_text()) | {"service_account_impersonation_url": lending}
    await asyncio.to_thread(file.write_text, json.dumps(bound))
    assert (await asyncio.to_thread(session().get, f"{notebook}/x")).json()["email"] == LENT
    bob = api_server.token(sub="system:serviceaccount:carrel:user-bob")
    await asyncio.to_thread(token_file.write_text, bob)
    with pytest.raises(RefreshError, match=r"iam\.serviceAccounts\.getAccessToken"):
        await asyncio.to_thread(session().get, f"{notebook}/x")


@pytest.mark.parametrize("address", ["nobody@carrel-demo.iam.gserviceaccount.com", "ada@example.org"])
async def test_no_other_account_is_lent(client: Client, api_server: ApiServer, address: str) -> None:
    path = f"/v1/projects/-/serviceAccounts/{address}:generateAccessToken"
    async with client.post(path, headers=await signed_in(client, api_server, "user-ada")) as answer:
        assert answer.status == 403
        assert (await answer.json())["error"]["status"] == "PERMISSION_DENIED"
    async with client.post(path) as answer:
        assert answer.status == 401
