"""The stand-in, running between a cluster's API server and an emulator."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from carrel_warehouse.stand_in.app import build
from carrel_warehouse.stand_in.settings import Settings
from unit.warehouse.doubles import AUDIENCE, LENT, SUBJECT, ApiServer, Client, EmulatorDouble


@pytest.fixture
def api_server() -> ApiServer:
    return ApiServer()


@pytest.fixture
def emulator() -> EmulatorDouble:
    return EmulatorDouble()


@pytest.fixture
async def servers(
    api_server: ApiServer, emulator: EmulatorDouble
) -> AsyncIterator[tuple[TestServer, TestServer]]:
    async with TestServer(api_server.application()) as first, TestServer(emulator.application()) as second:
        yield first, second


@pytest.fixture
def settings(servers: tuple[TestServer, TestServer], tmp_path: Path) -> Settings:
    (tmp_path / "token").write_text("the pod's own token\n")
    return Settings(
        project="carrel-demo",
        audience=AUDIENCE,
        email_domain="example.org",
        namespace="carrel",
        administrators=frozenset({f"{SUBJECT}:auditor"}),
        service_accounts={LENT: frozenset({f"{SUBJECT}:user-ada"})},
        api_server=str(servers[0].make_url("")).rstrip("/"),
        emulator=str(servers[1].make_url("")).rstrip("/"),
        service_account=tmp_path,
        data=tmp_path / "data",
    )


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with TestClient(TestServer(await build(settings))) as client:
        yield client
