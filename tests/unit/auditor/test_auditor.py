"""The auditor between a warehouse that lists jobs and a ledger that may not know them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from carrel_operator.cluster_errors import NotFoundError
from carrel_warehouse.auditor import reading, settings
from carrel_warehouse.auditor.audit import Auditor
from carrel_warehouse.auditor.people import People
from carrel_warehouse.auditor.warehouse import AuditError, Warehouse
from carrel_warehouse.ledger.app import build
from carrel_warehouse.ledger.store import Ledger
from carrel_warehouse.ledger.usage import Reader
from carrel_warehouse.price import Price
from unit.ledger.doubles import ViewDouble

NOW = datetime.now(UTC).replace(microsecond=0)
SUBJECT = "principal://warehouse.carrel.local/clusters/this/subject/system:serviceaccount:carrel:"
GKE = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p.svc.id.goog/subject/ns/carrel/sa/"


def job(
    name: str, subject: str = f"{SUBJECT}user-ada", state: str = "DONE", **changes: Any
) -> dict[str, Any]:
    at = changes.pop("at", NOW)
    return {
        "jobReference": {"projectId": "p", "jobId": name, "location": "US"},
        "state": state,
        "status": {"state": state},
        "configuration": {"query": {"query": "SELECT 1"}},
        "statistics": {
            "creationTime": str(int(at.timestamp() * 1000)),
            "query": {"totalBytesProcessed": "5", "totalBytesBilled": "10"},
        },
        "user_email": "ada@example.org",
        "principal_subject": subject,
        **changes,
    }


@pytest.mark.parametrize(
    ("subject", "account"),
    [
        (f"{SUBJECT}user-ada", "user-ada"),
        (f"{GKE}user-ada", "user-ada"),
        ("principal://x/subject/system:serviceaccount:elsewhere:user-ada", ""),
        ("principal://x/subject/system:serviceaccount:carrel:user-ada/more", ""),
        ("user:ada@example.org", ""),
        ("", ""),
    ],
)
def test_which_account_a_subject_names(subject: str, account: str) -> None:
    assert reading.account({"principal_subject": subject}, "carrel") == account


def test_what_a_job_says() -> None:
    found = reading.finding(job("1"), "ada")
    assert found
    assert (found.billing_project, found.job, found.location, found.at) == ("p", "1", "US", NOW)
    assert (found.owner, found.processed, found.billed, found.failed) == ("ada", 5, 10, False)
    failed = reading.finding(job("1", status={"state": "DONE", "errorResult": {"reason": "x"}}), "ada")
    assert failed
    assert failed.failed


@pytest.mark.parametrize("other", [job("1", state="RUNNING"), job("1", configuration={"load": {}}), {}])
def test_what_runs_or_is_no_query_is_no_finding(other: dict[str, Any]) -> None:
    assert reading.finding(other, "ada") is None


def test_from_when_to_read_on() -> None:
    one, two, three = (NOW + timedelta(minutes=n) for n in range(3))
    assert reading.next_since(one, []) == one
    assert reading.next_since(one, [(three, True), (two, True)]) == three
    assert reading.next_since(one, [(three, True), (two, False), (one, True)]) == two


def test_settings() -> None:
    given = {
        "CARREL_NAMESPACE": "carrel",
        "CARREL_WAREHOUSE": "http://w/",
        "CARREL_GATEWAY": "http://g",
        "CARREL_PROJECT": "p",
    }
    assert settings.parse(given).warehouse == "http://w"
    with pytest.raises(ValueError, match="CARREL_GATEWAY is not set"):
        settings.parse(given | {"CARREL_GATEWAY": ""})
    with pytest.raises(ValueError, match="more than 0"):
        settings.parse(given | {"CARREL_AUDIT_SECONDS": "0"})


class ClusterDouble:
    owners: dict[str, str] = {"user-ada": "ada", "project-risk-1": "project:risk", "robot": ""}  # noqa: RUF012
    asked = 0

    async def get(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        assert (kind, namespace) == ("ServiceAccount", "carrel")
        self.asked += 1
        if name not in self.owners:
            raise NotFoundError("gone")
        return {"metadata": {"annotations": {"carrel.dev/owner": self.owners[name]}}}

    async def list(self, kind: str, _namespace: str) -> tuple[list[dict[str, Any]], str]:
        assert kind == "Project"
        return [
            {"spec": {"warehouse": {"billingProject": "risk-billing"}}},
            {"spec": {"warehouse": {}}},
            {"spec": {}},
        ], "1"


@dataclass
class WarehouseDouble:
    jobs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)

    async def list(self, request: web.Request) -> web.Response:
        project, query = request.match_info["project"], dict(request.query)
        assert request.headers["Authorization"] == "Bearer token"
        assert (query["allUsers"], query["projection"]) == ("true", "full")
        self.asked.append({"project": project, **query})
        if project in self.refused:
            return web.json_response({"error": {}}, status=403)
        begin = int(query.get("pageToken", 0))
        listed = [
            each
            for each in self.jobs.get(project, [])
            if int(each["statistics"]["creationTime"]) >= int(query["minCreationTime"])
        ]
        page: dict[str, Any] = {"jobs": listed[begin : begin + 2]}
        if begin + 2 < len(listed):
            page["nextPageToken"] = str(begin + 2)
        return web.json_response(page)


class KeylessDouble:
    async def token(self) -> str:
        return "token"


@pytest.fixture
def warehouse() -> WarehouseDouble:
    return WarehouseDouble()


@pytest.fixture
def cluster() -> ClusterDouble:
    return ClusterDouble()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


@pytest.fixture
async def auditor(
    warehouse: WarehouseDouble, cluster: ClusterDouble, ledger: Ledger, tmp_path: Path
) -> AsyncIterator[Auditor]:
    app = web.Application()
    app.add_routes([web.get("/bigquery/v2/projects/{project}/jobs", warehouse.list)])
    price = Price(6.25, "$")
    inside = build(ViewDouble(), ledger, Reader(tmp_path, price), price, "p")  # type: ignore[arg-type]
    async with TestServer(app) as outside, TestServer(inside) as gateway, aiohttp.ClientSession() as session:
        addresses = [str(each.make_url("")).rstrip("/") for each in (outside, gateway)]
        told = settings.Settings("carrel", *addresses, "p", 0.01)
        asking = Warehouse(session, told.warehouse, KeylessDouble())  # type: ignore[arg-type]
        yield Auditor(told, asking, People(cluster, "carrel"), session)  # type: ignore[arg-type]
    ledger.close()


def people(ledger: Ledger) -> dict[str, str]:
    return {each.job: each.person for each in ledger.charges(NOW.date() - timedelta(days=9))}


async def test_whose_queries_are_found_in_all_pages_of_all_projects(
    auditor: Auditor, warehouse: WarehouseDouble, ledger: Ledger
) -> None:
    warehouse.jobs["p"] = [
        job("1"),
        job("2", f"{SUBJECT}project-risk-1"),
        job("3", f"{SUBJECT}user-gone"),
        job("4", "user:ada@example.org"),
        job("5", f"{SUBJECT}robot"),
    ]
    other = {"jobReference": {"projectId": "risk-billing", "jobId": "6", "location": "EU"}}
    warehouse.jobs["risk-billing"] = [job("6", **other)]
    await auditor.round()
    address = "ada@example.org"
    assert people(ledger) == {
        "1": "ada",
        "2": "project:risk",
        "3": address,
        "4": address,
        "5": address,
        "6": "ada",
    }


async def test_the_next_round_reads_on_where_this_one_ended(
    auditor: Auditor, warehouse: WarehouseDouble, cluster: ClusterDouble, ledger: Ledger
) -> None:
    early = NOW - timedelta(hours=1)
    warehouse.jobs["p"] = [job("1"), job("2", at=early, state="RUNNING"), job("3", at=early - timedelta(1))]
    await auditor.round()
    warehouse.jobs["p"][1] = job("2", at=early)
    await auditor.round()
    assert people(ledger) == dict.fromkeys("123", "ada")
    sinces = [int(each["minCreationTime"]) for each in warehouse.asked if each["project"] == "p"]
    assert sinces[-1] == early.timestamp() * 1000
    assert cluster.asked == 1


async def test_a_project_that_refuses_keeps_no_other_from_being_read(
    auditor: Auditor, warehouse: WarehouseDouble, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    warehouse.refused.add("p")
    warehouse.jobs["risk-billing"] = [job("1")]
    await auditor.round()
    assert people(ledger) == {"1": "ada"}
    assert "roles/bigquery.resourceViewer" in caplog.text


async def test_a_gateway_that_is_away_is_told_in_the_next_round(
    auditor: Auditor, warehouse: WarehouseDouble, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.jobs["p"] = [job("1")]
    with monkeypatch.context() as away:
        away.setattr(
            Auditor, "_tell", lambda *_: (_ for _ in ()).throw(AuditError("The gateway does not take it."))
        )
        await auditor.round()
    assert people(ledger) == {}
    await auditor.round()
    assert people(ledger) == {"1": "ada"}
