"""The notebook's doctor at the real stand-in: what it says when it refuses is understood."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from carrel_lab.doctor.examination import Examination, Known
from carrel_lab.doctor.findings import Finding, State
from carrel_lab.doctor.place import Place
from carrel_warehouse.stand_in.settings import Settings
from unit.warehouse.doubles import ApiServer, Client


async def found(
    client: Client, settings: Settings, folder: Path, token: str, **changes: Any
) -> list[Finding]:
    address = str(client.make_url("")).rstrip("/")
    (folder / "projected").write_text(token)
    document = {
        "type": "external_account",
        "audience": settings.audience,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{address}/sts/v1/token",
        "credential_source": {"file": str(folder / "projected")},
    } | changes
    (folder / "credentials.json").write_text(json.dumps(document))
    place = Place(address, "carrel-demo", folder / "credentials.json", namespace="carrel")
    return await asyncio.to_thread(lambda: Examination(place).whole(Known))


async def test_every_link_holds(
    client: Client, settings: Settings, api_server: ApiServer, tmp_path: Path
) -> None:
    all_found = await found(client, settings, tmp_path, api_server.token())
    assert not [each.line() for each in all_found if each.state in {State.FAILED, State.UNKNOWN}]
    assert {"token exchange", "right to query"} <= {each.name for each in all_found if each.state is State.OK}


@pytest.mark.parametrize(
    ("claims", "name", "words"),
    [
        ({"iss": "https://another.cluster"}, "token exchange", "another issuer"),
        ({"sub": "system:serviceaccount:carrel:default"}, "token exchange", "mark of its owner"),
        ({"exp": int(time.time()) - 60}, "expiry", "expired at"),
        ({"aud": "https://elsewhere"}, "audience", "made for https://elsewhere"),
        ({"key": rsa.generate_private_key(65537, 2048)}, "token exchange", "does not know the key"),
    ],
    ids=["issuer", "account", "expiry", "audience", "signature"],
)
async def test_what_the_stand_in_refuses_is_named(  # noqa: PLR0917 - pytest gives them by name
    client: Client,
    settings: Settings,
    api_server: ApiServer,
    tmp_path: Path,
    claims: dict[str, Any],
    name: str,
    words: str,
) -> None:
    all_found = await found(client, settings, tmp_path, api_server.token(**claims))
    [failed] = [each for each in all_found if each.failed]
    assert failed.name == name
    assert words in failed.message


async def test_a_token_and_a_file_for_another_exchange_are_named(
    client: Client, settings: Settings, api_server: ApiServer, tmp_path: Path
) -> None:
    other = "//warehouse.carrel.local/clusters/other"
    token = api_server.token(aud=f"https:{other}")
    all_found = await found(client, settings, tmp_path, token, audience=other)
    [failed] = [each for each in all_found if each.failed]
    assert failed.name == "token exchange"
    assert "pool or the provider in the audience" in failed.message
