"""What was used, as rows, as metrics and as the status of projects."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from carrel_operator.api import Budget, Metadata, Project, Warehouse
from carrel_operator.cluster_errors import UnavailableError
from carrel_warehouse.ledger.metrics import Figures
from carrel_warehouse.ledger.store import Charge, Ledger, Time
from carrel_warehouse.ledger.usage import Reader
from carrel_warehouse.ledger.usage_status import UsageStatus
from carrel_warehouse.price import Price
from unit.ledger.doubles import ViewDouble

DAY = date(2026, 11, 28)
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
GIB, TIB = 2**30, 2**40
PRICE = Price(6.25, "$")
CHARGE = Charge("p", "1", "US", DAY, NOON, "ada", "", "ada", "", "", TIB, TIB, "DONE")
TIME = Time(DAY, "ada", "", "ada", "small", 0.5, 7200)


@pytest.fixture
def reader(ledger: Ledger, folder: Path) -> Reader:  # noqa: ARG001 - which makes the file
    return Reader(folder, PRICE)


def project(name: str, budget: Budget | None = None) -> Project:
    metadata = Metadata.parse({"metadata": {"name": name, "namespace": "carrel", "uid": f"uid-{name}"}})
    return Project(metadata, name, warehouse=Warehouse(budget=budget or Budget()))


def test_queries_and_hours_of_a_notebook_stand_in_one_row(ledger: Ledger, reader: Reader) -> None:
    ledger.write(CHARGE)
    ledger.write(replace(CHARGE, job="2", billed=TIB // 2, state="RUNNING"))
    ledger.add_time(TIME)
    ledger.add_time(replace(TIME, size="large", price_per_hour=2.0, seconds=3600))
    (row,) = reader.usage(DAY)
    assert (row.day, row.person, row.project, row.notebook) == ("2026-11-28", "ada", "", "ada")
    assert (row.bytes, row.queries, row.pod_hours) == (TIB * 3 // 2, 2, 3)
    assert (row.query_cost, row.pod_cost, row.cost) == (9.375, 3.0, 12.375)
    assert row.view()["cost"] == 12.375


def test_other_days_people_and_projects_are_other_rows(ledger: Ledger, reader: Reader) -> None:
    ledger.write(replace(CHARGE, job="2", day=DAY - timedelta(days=1)))
    ledger.write(replace(CHARGE, job="3", project="risk"))
    ledger.write(replace(CHARGE, job="4", person="bob"))
    ledger.add_time(replace(TIME, day=DAY + timedelta(days=1)))
    assert [(row.day, row.project, row.person) for row in reader.usage(DAY, DAY)] == [
        ("2026-11-28", "", "bob"),
        ("2026-11-28", "risk", "ada"),
    ]
    assert len(reader.usage(DAY - timedelta(days=1))) == 4


def test_metrics_are_todays_and_only_of_what_is_over(ledger: Ledger, reader: Reader) -> None:
    ledger.write(CHARGE)
    ledger.write(replace(CHARGE, job="2", state="RUNNING"))
    ledger.write(replace(CHARGE, job="3", day=DAY - timedelta(days=1)))
    ledger.add_time(TIME)
    registry = CollectorRegistry()
    registry.register(Figures(reader, PRICE, lambda: DAY))
    said = {line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")}
    query = '{billing_project="p",person="ada",project=""}'
    server = '{instance_type="small",person="ada",project=""}'
    assert said == {
        f"carrel_query_billed_bytes_total{query} 1.099511627776e+12",
        f"carrel_queries_total{query} 1.0",
        f"carrel_query_cost_total{query} 6.25",
        f"carrel_notebook_seconds_total{server} 7200.0",
        f"carrel_notebook_cost_total{server} 1.0",
    }


class ClusterDouble:
    def __init__(self) -> None:
        self.written: list[tuple[str, dict[str, Any]]] = []
        self.down = False

    async def apply_status(self, of: Metadata, status: Any, field_manager: str, *, kind: str) -> None:
        assert (field_manager, kind) == ("carrel-ledger", "Project")
        if self.down:
            raise UnavailableError("no")
        self.written.append((of.name, status["usage"]))


async def test_a_project_says_what_was_used_today(ledger: Ledger, reader: Reader) -> None:
    ledger.write(replace(CHARGE, project="risk", billed=GIB * 6 // 5))
    ledger.write(replace(CHARGE, job="2", project="sales"))
    ledger.add_time(replace(TIME, person="project:risk", project="risk", seconds=1800))
    cluster = ClusterDouble()
    view = ViewDouble(teams=[project("risk", Budget(bytes_per_day=10 * GIB))])
    await UsageStatus(cluster, view, reader, PRICE).look(NOON)  # type: ignore[arg-type]
    ((name, usage),) = cluster.written
    assert name == "risk"
    assert usage == {
        "day": "2026-11-28",
        "bytes": "1288490188",
        "queries": 1,
        "read": "1.2 GiB of 10.0 GiB",
        "queryCost": "less than $0.01",
        "podHours": "0.5",
        "podCost": "$0.25",
        "cost": "$0.26",
    }


async def test_it_is_written_when_it_differs_and_once_a_minute(ledger: Ledger, reader: Reader) -> None:
    cluster, view = ClusterDouble(), ViewDouble(teams=[project("risk")])
    status = UsageStatus(cluster, view, reader, PRICE)  # type: ignore[arg-type]
    for seconds in (0, 10, 100):
        await status.look(NOON + timedelta(seconds=seconds))
    assert len(cluster.written) == 1
    ledger.write(replace(CHARGE, project="risk"))
    await status.look(NOON + timedelta(seconds=110))
    assert cluster.written[-1][1]["cost"] == "$6.25"
    ledger.write(replace(CHARGE, job="2", project="risk"))
    await status.look(NOON + timedelta(seconds=120))
    assert len(cluster.written) == 2
    await status.look(NOON + timedelta(seconds=171))
    assert cluster.written[-1][1]["cost"] == "$12.50"


async def test_who_comes_back_writes_nothing_that_stands_there(reader: Reader) -> None:
    cluster, risk = ClusterDouble(), project("risk")
    await UsageStatus(cluster, ViewDouble(teams=[risk]), reader, PRICE).look(NOON)  # type: ignore[arg-type]
    ((_, said),) = cluster.written
    view = ViewDouble(teams=[replace(risk, usage=said)])
    await UsageStatus(cluster, view, reader, PRICE).look(NOON + timedelta(seconds=1))  # type: ignore[arg-type]
    assert len(cluster.written) == 1


async def test_midnight_begins_anew(ledger: Ledger, reader: Reader) -> None:
    ledger.write(replace(CHARGE, project="risk"))
    cluster, view = ClusterDouble(), ViewDouble(teams=[project("risk")])
    status = UsageStatus(cluster, view, reader, PRICE)  # type: ignore[arg-type]
    await status.look(NOON)
    await status.look(NOON + timedelta(hours=12))
    assert [each["bytes"] for _, each in cluster.written] == [str(TIB), "0"]


async def test_what_could_not_be_written_is_written_later(reader: Reader) -> None:
    cluster, view = ClusterDouble(), ViewDouble(teams=[project("risk")])
    status = UsageStatus(cluster, view, reader, PRICE)  # type: ignore[arg-type]
    cluster.down = True
    await status.look(NOON)
    cluster.down = False
    await status.look(NOON + timedelta(seconds=10))
    assert len(cluster.written) == 1
