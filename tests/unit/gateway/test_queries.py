"""What a notebook sees of the gateway, and what the warehouse sees of the notebook."""

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from carrel_operator.api import Project
from carrel_warehouse.cluster_view import Caller
from carrel_warehouse.gateway.app import build
from carrel_warehouse.gateway.book import Book
from carrel_warehouse.gateway.settings import Settings
from carrel_warehouse.gateway.upstream import Upstream
from carrel_warehouse.ledger.store import Ledger
from unit.gateway.conftest import GIB, Client, ViewDouble
from unit.gateway.warehouse_double import WarehouseDouble

JOBS = "/bigquery/v2/projects/p/jobs"
QUERIES = "/bigquery/v2/projects/p/queries"
BEARER = {"Authorization": "Bearer the caller's own"}


async def insert(
    gateway: Client, text: str, job: str = "", **configuration: Any
) -> tuple[int, dict[str, Any]]:
    query = {"query": text, "useLegacySql": False} | configuration.pop("query", {})
    body = {"configuration": {"query": query} | configuration}
    if job:
        body["jobReference"] = {"projectId": "p", "jobId": job}
    async with gateway.post(JOBS, json=body, headers=BEARER) as answer:
        return answer.status, await answer.json()


async def budget(gateway: Client) -> dict[str, Any]:
    async with gateway.get("/carrel/v1/budget", headers=BEARER) as answer:
        return dict(await answer.json())


async def test_a_query_gets_its_labels_and_limit_and_the_callers_own_token(
    gateway: Client, warehouse: WarehouseDouble
) -> None:
    status, _ = await insert(gateway, "reads 5000", labels={"mine": "1", "carrel_person": "somebody-else"})
    assert status == 200
    [sent] = warehouse.begun
    assert sent["configuration"]["labels"] == {
        "mine": "1",
        "carrel_person": "ada",
        "carrel_notebook": "nb-ada",
    }
    assert sent["configuration"]["query"]["maximumBytesBilled"] == str(2 * GIB)
    assert warehouse.bearers == {"Bearer the caller's own"}
    assert len(warehouse.dry_runs) == 1


async def test_a_lower_limit_of_the_persons_own_stays(gateway: Client, warehouse: WarehouseDouble) -> None:
    await insert(gateway, "reads 5000", query={"maximumBytesBilled": "77"})
    assert warehouse.begun[0]["configuration"]["query"]["maximumBytesBilled"] == "77"


async def test_a_query_over_the_limit_is_refused_like_bigquery_refuses(
    gateway: Client, warehouse: WarehouseDouble
) -> None:
    status, answer = await insert(gateway, f"reads {3 * GIB}")
    assert status == 400
    assert answer["error"]["errors"][0]["reason"] == "bytesBilledLimitExceeded"
    assert answer["error"]["message"] == (
        "This query would be billed 3.0 GiB, about $0.02; one query of ada may be billed 2.0 GiB. Read fewer columns "
        "or partitions; if it has to be, an administrator can raise it in warehouse.gateway.budget of Carrel's Helm "
        "values (bytesPerQuery)."
    )
    assert warehouse.begun == []


async def test_a_day_is_used_up(gateway: Client, warehouse: WarehouseDouble) -> None:
    for number in range(5):
        assert (await insert(gateway, f"reads {2 * GIB} -- {number}"))[0] == 200
    status, answer = await insert(gateway, "reads 5000 -- last")
    assert status == 400
    assert "of today's 10.0 GiB of ada 0 bytes are left until 00:00 UTC" in answer["error"]["message"]
    assert (await budget(gateway))["left_today"] == 0
    assert (await insert(gateway, "SELECT 1"))[0] == 200, "what reads nothing costs nothing"
    assert warehouse.begun[-1]["configuration"]["query"]["maximumBytesBilled"] == "1"


async def test_many_at_once_cant_overdraw(gateway: Client, warehouse: WarehouseDouble) -> None:
    warehouse.hold = asyncio.Event()
    asked = [asyncio.create_task(insert(gateway, f"reads {2 * GIB} -- {number}")) for number in range(20)]
    refused = 0
    async with asyncio.timeout(30):
        for each in asyncio.as_completed(asked):
            refused += (await each)[0] == 400
            if refused == 15:
                warehouse.hold.set()
    assert refused == 15
    assert len(warehouse.begun) == 5


async def test_what_is_billed_in_the_end_counts(
    gateway: Client, warehouse: WarehouseDouble, ledger: Ledger
) -> None:
    await insert(gateway, f"reads {GIB}", job="one")
    assert (await budget(gateway))["spent_today"] == GIB
    warehouse.finish("one", billed=0)  # from the cache
    async with gateway.get(f"{JOBS}/one?location=US", headers=BEARER) as answer:
        assert answer.status == 200
    assert (await budget(gateway))["spent_today"] == 0
    assert ledger.find("p", "US", "one").state == "DONE"


async def test_rows_that_are_fetched_settle_a_query(
    gateway: Client, warehouse: WarehouseDouble, ledger: Ledger
) -> None:
    await insert(gateway, f"reads {GIB}", job="one", labels={"carrel_cell": "c1"})
    async with gateway.get(f"{QUERIES}/one?location=US", headers=BEARER) as answer:
        await answer.read()
    assert ledger.find("p", "US", "one").state == "RUNNING"
    warehouse.finish("one")
    async with gateway.get(f"{QUERIES}/one?location=US", headers=BEARER) as answer:
        await answer.read()
    charge = ledger.find("p", "US", "one")
    assert (charge.state, charge.billed, charge.cell, charge.person) == ("DONE", GIB, "c1", "ada")


async def test_jobs_query_is_guarded_too(gateway: Client, ledger: Ledger, warehouse: WarehouseDouble) -> None:
    async with gateway.post(QUERIES, json={"query": f"reads {GIB}"}, headers=BEARER) as answer:
        assert answer.status == 200
        assert len((await answer.json())["rows"]) == 3000
    assert warehouse.begun[0]["labels"]["carrel_person"] == "ada"
    assert warehouse.begun[0]["maximumBytesBilled"] == str(2 * GIB)
    assert ledger.find("p", "US", "job_0").billed == GIB
    async with gateway.post(QUERIES, json={"query": f"reads {3 * GIB}"}, headers=BEARER) as answer:
        assert answer.status == 400


async def test_a_dry_run_of_the_persons_own_spares_ours(gateway: Client, warehouse: WarehouseDouble) -> None:
    await insert(gateway, "reads 5000", dryRun=True)
    await insert(gateway, "reads 5000")
    assert len(warehouse.dry_runs) == 1
    assert "labels" not in warehouse.dry_runs[0]["configuration"]
    await insert(gateway, "reads 5001")
    assert len(warehouse.dry_runs) == 2


async def test_what_only_looks_like_a_dry_run_is_guarded(gateway: Client, warehouse: WarehouseDouble) -> None:
    text = f"reads {3 * GIB}"
    assert (await insert(gateway, text, dryRun="false"))[0] == 400
    async with gateway.post(QUERIES, json={"query": text, "dryRun": "false"}, headers=BEARER) as answer:
        assert answer.status == 400
    assert warehouse.begun == []


async def test_without_a_budget_nothing_is_asked(
    gateway: Client, warehouse: WarehouseDouble, view: ViewDouble
) -> None:
    view.known = [project("risk")]
    view.caller = Caller(notebook="nb-risk", person="team risk", project="risk", uid="2", groups=frozenset())
    await insert(gateway, f"reads {100 * GIB}")
    assert warehouse.dry_runs == []
    labels = warehouse.begun[0]["configuration"]["labels"]
    assert labels["carrel_project"] == "risk"
    assert labels["carrel_person"].startswith("team-risk-")
    assert "maximumBytesBilled" not in warehouse.begun[0]["configuration"]["query"]


@pytest.mark.parametrize("status", [400, 403, 429, 500])
async def test_the_warehouses_own_refusals_come_through(
    gateway: Client, warehouse: WarehouseDouble, status: int
) -> None:
    got, answer = await insert(gateway, f"answers {status}")
    assert (got, answer["error"]["message"]) == (status, "Google's own words")
    assert warehouse.begun == []
    assert (await budget(gateway))["spent_today"] == 0


async def test_who_is_no_notebook_gets_nothing(
    gateway: Client, warehouse: WarehouseDouble, view: ViewDouble
) -> None:
    view.caller = None
    status, answer = await insert(gateway, "SELECT 1")
    assert status == 403
    assert "only those may use its gateway" in answer["error"]["message"]
    assert warehouse.begun == []


async def test_a_budget_that_is_lowered_below_what_is_spent(gateway: Client, view: ViewDouble) -> None:
    view.caller = Caller(notebook="nb-risk", person="team risk", project="risk", uid="2", groups=frozenset())
    view.known = [project("risk", bytesPerDay="10Gi")]
    assert (await insert(gateway, f"reads {5 * GIB}"))[0] == 200
    view.known = [project("risk", bytesPerDay="1Gi")]
    assert (await budget(gateway))["left_today"] == 0
    status, answer = await insert(gateway, "reads 1 -- more")
    assert status == 400
    assert "spec.warehouse.budget of the Project risk" in answer["error"]["message"]
    view.known = [project("risk", bytesPerDay="0")]
    assert (await insert(gateway, "reads 1 -- again"))[0] == 400
    assert (await insert(gateway, "SELECT 1"))[0] == 200


async def test_members_charge_their_project_by_its_billing_project_and_others_cant(
    gateway: Client, warehouse: WarehouseDouble, view: ViewDouble
) -> None:
    view.known = [project("risk", billing="q", members=[{"group": "analysts", "role": "viewer"}])]
    body = {"configuration": {"query": {"query": "reads 5"}}}
    async with gateway.post("/bigquery/v2/projects/q/jobs", json=body, headers=BEARER) as answer:
        assert answer.status == 200
    assert warehouse.begun[0]["configuration"]["labels"]["carrel_project"] == "risk"
    view.caller = Caller(notebook="nb-bob", person="bob", project="", uid="3", groups=frozenset())
    async with gateway.post("/bigquery/v2/projects/q/jobs", json=body, headers=BEARER) as answer:
        assert answer.status == 403
        assert "bob is no member" in (await answer.json())["error"]["message"]


async def test_a_warehouse_that_is_away_is_said(settings: Settings, view: ViewDouble, ledger: Ledger) -> None:
    async with Upstream.session() as session:
        app = build(settings, view, Upstream(session, "http://127.0.0.1:1"), Book(ledger))
        async with TestClient(TestServer(app)) as gateway:
            status, answer = await insert(gateway, "reads 5")
            assert status == 503
            assert answer["error"]["message"].startswith(
                "The gateway of Carrel can't reach the warehouse at http://127"
            )
            async with gateway.get(JOBS, headers=BEARER) as listed:
                assert listed.status == 503


@pytest.mark.parametrize("text", ["hangs at once", "hangs later"])
async def test_a_warehouse_that_does_not_answer_is_said(
    settings: Settings, view: ViewDouble, ledger: Ledger, warehouse: WarehouseDouble, text: str
) -> None:
    async with Upstream.session() as session:
        app = build(settings, view, Upstream(session, settings.upstream, patience=0.2), Book(ledger))
        async with TestClient(TestServer(app)) as gateway, asyncio.timeout(10):
            status, answer = await insert(gateway, text)
            assert status == 503
            assert answer["error"]["message"].endswith(
                "it has not answered for 0.2 s. Try again in a minute; if it lasts, tell your administrator."
            )
            assert (await budget(gateway))["spent_today"] == 0
    warehouse.never.set()


async def test_who_waits_for_rows_is_waited_for(
    settings: Settings, view: ViewDouble, ledger: Ledger, warehouse: WarehouseDouble
) -> None:
    async with Upstream.session() as session:
        app = build(settings, view, Upstream(session, settings.upstream, patience=0.2), Book(ledger))
        async with TestClient(TestServer(app)) as gateway:
            warehouse.rows_after = 0.5
            for milliseconds, status in ((5_000, 200), (10, 503)):
                body = {"query": "reads 5", "timeoutMs": milliseconds}
                async with gateway.post(QUERIES, json=body, headers=BEARER) as answer:
                    assert answer.status == status


async def test_uploads_go_on_through_the_gateway(gateway: Client) -> None:
    async with gateway.post(f"/upload{JOBS}?uploadType=resumable", data=b"{}", headers=BEARER) as answer:
        assert answer.headers["Location"].startswith(f"http://{gateway.host}:{gateway.port}/upload/")


@pytest.mark.parametrize("path", ["/batch/bigquery/v2", "/", "/bigquery/v1/projects", "/metrics"])
async def test_other_paths_are_not_there(gateway: Client, path: str) -> None:
    async with gateway.post(path, headers=BEARER) as answer:
        assert answer.status == 404


async def test_half_a_megabyte_of_sql_and_what_is_no_json(
    gateway: Client, warehouse: WarehouseDouble
) -> None:
    assert (await insert(gateway, "reads 5 --" + "x" * 500_000))[0] == 200
    async with gateway.post(JOBS, data=b"no json", headers=BEARER) as answer:
        assert answer.status == 500, "the double's own answer to it"
    assert len(warehouse.begun) == 1


def project(
    name: str, billing: str = "", members: list[dict[str, str]] | None = None, **budget: str
) -> Project:
    spec = {
        "members": members or [],
        "warehouse": {"budget": budget, **({"billingProject": billing} if billing else {})},
    }
    return Project.parse(
        {"metadata": {"name": name, "namespace": "carrel", "uid": name, "generation": 1}, "spec": spec}
    )
