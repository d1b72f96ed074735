"""The gateway, running between notebooks and a warehouse."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from carrel_operator.api import Budget, Project
from carrel_warehouse.cluster_view import Caller
from carrel_warehouse.gateway.app import build
from carrel_warehouse.gateway.book import Book
from carrel_warehouse.gateway.settings import Settings
from carrel_warehouse.gateway.upstream import Upstream
from carrel_warehouse.ledger.store import Ledger
from unit.gateway.warehouse_double import WarehouseDouble

GIB = 1024**3
ADA = Caller(notebook="nb-ada", person="ada", project="", uid="1", groups=frozenset({"analysts"}))
Client = TestClient[web.Request, web.Application]


@dataclass
class ViewDouble:
    """Says who calls."""

    caller: Caller | None = ADA
    known: list[Project] = field(default_factory=list)

    async def wait_for_caller(self, address: str) -> Caller | None:
        assert address == "127.0.0.1"
        return self.caller

    def projects(self) -> list[Project]:
        return self.known


@pytest.fixture
def warehouse() -> WarehouseDouble:
    return WarehouseDouble()


@pytest.fixture
def view() -> ViewDouble:
    return ViewDouble()


@pytest.fixture
async def upstream(warehouse: WarehouseDouble) -> AsyncIterator[str]:
    async with TestServer(warehouse.application()) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
def settings(upstream: str, tmp_path: Path) -> Settings:
    return Settings(
        namespace="carrel", upstream=upstream, project="p", budget=Budget(10 * GIB, 2 * GIB), data=tmp_path
    )


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    ledger = Ledger(settings.data)
    yield ledger
    ledger.close()


@pytest.fixture
async def gateway(settings: Settings, view: ViewDouble, ledger: Ledger) -> AsyncIterator[Client]:
    async with Upstream.session() as session:
        app = build(settings, view, Upstream(session, settings.upstream), Book(ledger))
        async with TestClient(TestServer(app)) as client:
            yield client
