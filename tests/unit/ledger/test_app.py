"""The internal port: usage, metrics, what the auditor found, and who may not ask."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from carrel_operator.api import Metadata, Project, Warehouse
from carrel_warehouse.cluster_view import Caller
from carrel_warehouse.ledger.app import build
from carrel_warehouse.ledger.store import Charge, Ledger, Time
from carrel_warehouse.ledger.usage import Reader
from carrel_warehouse.price import Price
from unit.ledger.doubles import ViewDouble

DAY = date(2026, 11, 28)
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
CHARGE = Charge("p", "1", "US", DAY, NOON, "ada", "risk", "ada", "cell", "doc", 5, 10, "RUNNING")
FINDING: dict[str, Any] = {
    "billing_project": "p",
    "job": "1",
    "location": "US",
    "at": "2026-11-27T23:59:59Z",
    "owner": "bob",
    "processed": 7,
    "billed": 20,
}
Client = TestClient[web.Request, web.Application]


def project(name: str, billing_project: str) -> Project:
    metadata = Metadata.parse({"metadata": {"name": name, "namespace": "carrel", "uid": "u"}})
    return Project(metadata, name, warehouse=Warehouse(billing_project=billing_project))


@pytest.fixture
def view() -> ViewDouble:
    return ViewDouble(teams=[project("risk", "risk-billing"), project("sales", "p")])


@pytest.fixture
async def inside(view: ViewDouble, ledger: Ledger, folder: Path) -> AsyncIterator[Client]:
    price = Price(6.25, "€")
    app = build(view, ledger, Reader(folder, price), price, "p")  # type: ignore[arg-type]
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_usage_of_some_days(inside: Client, ledger: Ledger) -> None:
    ledger.write(CHARGE)
    ledger.add_time(Time(DAY, "ada", "", "ada", "small", 0.5, 60))
    answer = await (await inside.get("/usage?since=2026-11-28&until=2026-11-28")).json()
    assert answer["currency"] == "€"
    assert [(row["project"], row["queries"]) for row in answer["rows"]] == [("", 0), ("risk", 1)]
    nothing = await (await inside.get("/usage?since=2026-11-29")).json()
    assert nothing["rows"] == []


@pytest.mark.parametrize("query", ["", "?since=yesterday", "?since=2026-11-01&until=31"])
async def test_days_that_are_none(inside: Client, query: str) -> None:
    answer = await inside.get(f"/usage{query}")
    assert answer.status == 400
    assert "since=2026-11-01" in await answer.text()


async def test_metrics(inside: Client) -> None:
    answer = await inside.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "carrel_queries_total" in await answer.text()


async def test_a_query_that_went_around_the_gateway_is_charged(inside: Client, ledger: Ledger) -> None:
    answer = await inside.post("/jobs", json=[FINDING])
    assert await answer.json() == {"changed": 1}
    (found,) = ledger.charges(date(2026, 11, 27))
    assert (found.day, found.person, found.project) == (date(2026, 11, 27), "bob", "")
    assert (found.processed, found.billed, found.state, found.notebook) == (7, 20, "DONE", "")


@pytest.mark.parametrize(
    ("changes", "payer"),
    [
        ({"billing_project": "risk-billing"}, "risk"),
        ({"owner": "project:sales"}, "sales"),
        ({"billing_project": "elsewhere"}, ""),
    ],
)
async def test_who_pays_for_it(inside: Client, ledger: Ledger, changes: dict[str, str], payer: str) -> None:
    await inside.post("/jobs", json=[FINDING | changes])
    assert ledger.charges(date.min)[0].project == payer


async def test_what_the_gateway_saw_keeps_its_person_and_gets_the_figures(
    inside: Client, ledger: Ledger
) -> None:
    ledger.write(CHARGE)
    await inside.post("/jobs", json=[FINDING | {"failed": True}])
    assert ledger.charges(date.min) == [replace(CHARGE, processed=7, billed=20, state="FAILED")]
    again = await inside.post("/jobs", json=[FINDING | {"failed": True}])
    assert await again.json() == {"changed": 0}


async def test_findings_that_are_none_change_nothing(inside: Client, ledger: Ledger) -> None:
    for bad in ([FINDING, {}], [FINDING | {"billed": "much"}], {"job": 1}):
        assert (await inside.post("/jobs", json=bad)).status == 400
    assert ledger.charges(date.min) == []


async def test_notebooks_may_not_ask(inside: Client, view: ViewDouble, ledger: Ledger) -> None:
    view.caller_is = Caller("ada", "ada", "", "uid", frozenset())
    assert (await inside.post("/jobs", json=[FINDING])).status == 403
    assert (await inside.get("/usage?since=2026-11-28")).status == 403
    assert (await inside.get("/livez")).status == 200
    assert ledger.charges(date.min) == []


async def test_health_is_that_of_the_watches(inside: Client, view: ViewDouble) -> None:
    assert (await inside.get("/healthz")).status == 200
    view.fresh = False
    assert (await inside.get("/healthz")).status == 503
