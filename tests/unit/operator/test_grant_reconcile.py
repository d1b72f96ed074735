"""From a Project's datasets to the access lists and back, whatever is interrupted, refused or away."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import msgspec
import pytest

from carrel_operator import project_view, uninstall
from carrel_operator.accounts import Accounts
from carrel_operator.api import GRANTS_FINALIZER
from carrel_operator.cache import Cache
from carrel_operator.grant_reconcile import PATIENCE, GrantReconciler
from carrel_operator.leaving import namespace_goes, take_leave
from carrel_operator.places import Key
from carrel_operator.registry import Registry
from carrel_operator.settings import Identity, IdentityMode
from carrel_operator.workqueue import RetryError
from unit.operator.api_server import ApiServer, status
from unit.operator.warehouse_server import WarehouseServer, serving
from unit.operator.worlds import PLAIN, project_body

X = "analytics-prod.sales"
Y = "analytics-prod.risk"
BOSS = {"role": "OWNER", "userByEmail": "boss@example.org"}
PROJECTS = "/apis/carrel.dev/v1/namespaces/carrel/projects"
IDENTITY = Identity(
    mode=IdentityMode.METADATA, project="analytics-prod", principal="principal://p/{serviceAccount}"
)
DAY = 86_400.0


def reads(account: str) -> dict[str, str]:
    return {"role": "READER", "iamMember": f"principal://p/{account}"}


def wants(*datasets: str, role: str = "viewer") -> dict[str, Any]:
    return {"datasets": [{"id": each, "role": role} for each in datasets]}


class Crash(BaseException):
    """The operator dies here."""


class World:
    """A cluster with Projects, a warehouse, and the operator between them."""

    def __init__(self, warehouse: WarehouseServer) -> None:
        self.server, self.warehouse, self.identity = ApiServer(), warehouse, IDENTITY
        self.numbers = {"sales": {"uid-1": 20_005}, "risk": {"uid-risk": 20_006}}
        self.restart()

    def restart(self) -> None:
        self.cache = Cache()
        self.cache.accounts = Accounts(projects=self.numbers)
        cluster = self.server.cluster()
        settings = msgspec.structs.replace(PLAIN, identity=self.identity)
        registry = Registry(cluster, self.cache, "carrel")
        self.reconciler = GrantReconciler(cluster, self.cache, settings, registry, self.warehouse.client())

    def put(self, name: str = "sales", uid: str = "uid-1", **spec: Any) -> None:
        path = f"{PROJECTS}/{name}"
        before = self.server.objects.get(path, {})
        body = project_body(uid=uid, **({"members": [{"user": "ada", "role": "editor"}]} | spec))
        metadata = body["metadata"] | before.get("metadata", {}) | {"name": name}
        metadata["generation"] = before.get("metadata", {}).get("generation", 0) + 1
        self.server.put(path, body | {"metadata": metadata, "status": before.get("status", {})})

    def delete(self, name: str = "sales", ago: timedelta = timedelta()) -> None:
        body = self.server.objects[f"{PROJECTS}/{name}"]
        body["metadata"]["deletionTimestamp"] = (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%SZ")
        body["metadata"]["generation"] += 1
        self.server.put(f"{PROJECTS}/{name}", body)

    async def reconcile(self, name: str = "sales") -> float | None:
        self.server.writes.clear()
        self.warehouse.asked.clear()
        self.server.show(self.cache)
        return await self.reconciler.reconcile(Key("carrel", name))

    def finalizers(self, name: str = "sales") -> list[str]:
        return list(self.server.objects[f"{PROJECTS}/{name}"]["metadata"].get("finalizers", []))

    def status(self, name: str = "sales") -> dict[str, Any]:
        return dict(self.server.objects[f"{PROJECTS}/{name}"].get("status", {}))

    def granted(self, name: str = "sales") -> set[tuple[str, str]]:
        return {(each["dataset"], each["principal"]) for each in self.status(name).get("grants", [])}

    def condition(self, name: str = "sales") -> tuple[str, str, str]:
        (found,) = self.status(name)["conditions"]
        return found["status"], found["reason"], found["message"]

    def events(self) -> list[str]:
        return [each["message"] for each in self.server.objects.values() if each["kind"] == "Event"]


@pytest.fixture
def world() -> Iterator[World]:
    with serving(WarehouseServer({X: [BOSS], Y: [BOSS]})) as warehouse:
        yield World(warehouse)


GRANTED = [BOSS, reads("project-sales-20005"), reads("user-ada")]
TELL, HOLD = "PATCH projects/sales/status", "PATCH projects/sales"


async def test_what_a_project_names_is_granted_once_and_then_all_is_quiet(world: World) -> None:
    world.put(warehouse=wants("sales"))
    told: list[set[tuple[str, str]]] = []

    def before(method: str, _dataset: str) -> None:
        if method == "PATCH":
            told.append(world.granted())

    world.warehouse.before = before
    assert await world.reconcile() == DAY
    assert world.warehouse.access[X] == GRANTED
    both = {(X, "principal://p/project-sales-20005"), (X, "principal://p/user-ada")}
    assert told == [both], "what is going to be granted stands in the status before"
    assert world.server.writes == [HOLD, TELL, TELL]
    assert world.finalizers() == [GRANTS_FINALIZER]
    state, reason, message = world.condition()
    assert (state, reason) == ("True", "Granted")
    assert message == "The project's own server and the members that are known, 2 in all, have 1 dataset."
    assert DAY - 5 < (await world.reconcile() or 0) <= DAY
    assert (world.server.writes, world.warehouse.asked) == ([], [])


async def test_an_operator_that_comes_back_asks_and_writes_nothing(world: World) -> None:
    world.put(warehouse=wants("sales"))
    await world.reconcile()
    world.restart()
    assert await world.reconcile() == DAY
    assert (world.server.writes, world.warehouse.asked) == ([], [])


async def test_a_project_without_datasets_costs_nothing(world: World) -> None:
    world.put()
    assert await world.reconcile() is None
    assert (world.server.writes, world.warehouse.asked, world.status()) == ([], [], {})


async def test_a_member_who_goes_and_a_dataset_that_goes_are_taken_back(world: World) -> None:
    world.put(warehouse=wants("sales", "risk"))
    await world.reconcile()
    assert world.warehouse.access[Y] == GRANTED
    world.put(warehouse=wants("sales", "risk"), members=[])
    await world.reconcile()
    assert world.warehouse.access[X] == world.warehouse.access[Y] == GRANTED[:2]
    world.put(warehouse=wants("risk"), members=[])
    await world.reconcile()
    assert world.warehouse.access == {X: [BOSS], Y: GRANTED[:2]}
    world.put()
    assert await world.reconcile() is None
    assert world.warehouse.access == {X: [BOSS], Y: [BOSS]}
    assert (world.finalizers(), world.status()) == ([], {})
    assert await world.reconcile() is None
    assert (world.server.writes, world.warehouse.asked) == ([], [])


async def test_members_by_group_come_and_go_with_what_the_notebooks_say(world: World) -> None:
    world.put(warehouse=wants("sales"), members=[{"group": "analysts", "role": "viewer"}])
    path = "/apis/carrel.dev/v1/namespaces/carrel/notebooks/alan"
    notebook = {"kind": "Notebook", "metadata": {"name": "alan", "namespace": "carrel"}}
    world.server.put(path, notebook | {"spec": {"owner": "alan", "ownerGroups": ["analysts"]}})
    await world.reconcile()
    assert reads("user-alan") in world.warehouse.access[X]
    assert list(project_view.regrouped(world.cache)) == [Key("carrel", "sales")]
    world.server.put(path, notebook | {"spec": {"owner": "alan", "ownerGroups": ["others"]}})
    world.server.show(world.cache)
    assert list(project_view.regrouped(world.cache)) == [Key("carrel", "sales")]
    await world.reconcile()
    assert world.warehouse.access[X] == GRANTED[:2]


async def test_what_was_granted_before_us_is_not_ours(world: World) -> None:
    world.warehouse.access[X] = [reads("user-ada"), BOSS]
    world.put(warehouse=wants("sales"))
    await world.reconcile()
    assert world.granted() == {(X, "principal://p/project-sales-20005")}
    world.delete()
    await world.reconcile()
    assert world.warehouse.access[X] == [reads("user-ada"), BOSS]


async def test_a_project_that_goes_takes_its_grants_with_it(world: World) -> None:
    world.put(warehouse=wants("sales", "risk"))
    await world.reconcile()
    del world.warehouse.access[Y]
    world.delete()
    assert await world.reconcile() is None
    assert world.warehouse.access == {X: [BOSS]}
    assert (world.finalizers(), world.granted(), world.events()) == ([], set(), [])


async def test_a_project_waits_for_a_warehouse_that_is_away_and_then_goes(world: World) -> None:
    world.put(warehouse=wants("sales"))
    await world.reconcile()
    world.warehouse.before = lambda _method, _dataset: 503
    world.delete()
    assert 0 < (await world.reconcile() or 0) <= 60
    state, reason, message = world.condition()
    assert (state, reason) == ("False", "WarehouseUnreachable")
    assert "can't be reached (HTTP 503)" in message
    assert "The project goes at" in message
    assert world.finalizers() == [GRANTS_FINALIZER]
    world.restart()
    world.delete(ago=PATIENCE + timedelta(seconds=1))
    assert await world.reconcile() is None
    assert world.finalizers() == []
    (said,) = world.events()
    assert "viewer of analytics-prod.sales for principal://p/user-ada" in said


async def test_a_project_that_goes_is_let_go_even_if_no_event_can_be_written(world: World) -> None:
    world.put(warehouse=wants("sales"))
    await world.reconcile()
    world.warehouse.before = lambda _method, _dataset: 403
    world.server.refuse = lambda request: (
        status(403, "Forbidden") if request.url.path.endswith("/events") else None
    )
    world.delete(ago=PATIENCE * 2)
    await world.reconcile()
    assert world.finalizers() == []


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (404, "DatasetNotFound", "bq mk --dataset analytics-prod:sales"),
        (403, "NoPermission", "grant it roles/bigquery.dataOwner on analytics-prod:sales, to the principal"),
        (400, "GrantRefused", "told to answer 400"),
        (401, "SignInFailed", "principal://p/operator"),
        (503, "WarehouseUnreachable", "within a minute"),
    ],
)
async def test_a_failure_is_said_once_and_tried_again_later(
    world: World, code: int, reason: str, words: str
) -> None:
    world.put(warehouse=wants("sales"))
    world.warehouse.before = lambda _method, _dataset: code
    wait = await world.reconcile()
    assert wait is not None
    assert wait <= 2
    state, said, message = world.condition()
    assert (state, said) == ("False", reason)
    assert words in message
    assert 0 < (await world.reconcile() or 0) <= wait, "an event is no reason to ask again before its time"
    assert (world.server.writes, world.warehouse.asked) == ([], [])
    world.restart()
    await world.reconcile()
    assert world.warehouse.asked != []
    assert world.server.writes == [], "nothing new is nothing to write"
    world.warehouse.before = lambda _method, _dataset: None
    world.restart()
    assert await world.reconcile() == DAY
    assert world.condition()[0] == "True"


async def test_one_dataset_that_is_missing_keeps_no_other_back(world: World) -> None:
    world.put(warehouse=wants("missing", "sales"))
    await world.reconcile()
    assert world.warehouse.access[X] == GRANTED
    assert world.condition()[1] == "DatasetNotFound"
    assert {name for name, _ in world.granted()} == {X}


@pytest.mark.parametrize("times", [1, 5])
async def test_others_who_change_the_list_meanwhile_lose_nothing(world: World, times: int) -> None:
    world.put(warehouse=wants("sales"))
    coming = [{"role": "READER", "userByEmail": f"{number}@example.org"} for number in range(times)]

    def before(method: str, dataset: str) -> None:
        if method == "PATCH" and coming:
            world.warehouse.edit(dataset, [*world.warehouse.access[dataset], coming.pop()])

    world.warehouse.before = before
    await world.reconcile()
    if times == 1:
        assert len(world.warehouse.access[X]) == 4
        assert world.condition()[0] == "True"
    else:
        assert len(world.warehouse.access[X]) == 6
        assert "somebody else changes it all the time" in world.condition()[2]


async def test_the_same_entry_made_by_somebody_else_meanwhile_is_theirs(world: World) -> None:
    world.put(warehouse=wants("sales"), members=[])
    theirs = [BOSS, reads("project-sales-20005")]

    def before(method: str, dataset: str) -> None:
        if method == "PATCH" and world.warehouse.access[dataset] != theirs:
            world.warehouse.edit(dataset, theirs)

    world.warehouse.before = before
    await world.reconcile()
    assert (world.granted(), world.finalizers()) == (set(), [])
    world.delete()
    await world.reconcile()
    assert world.warehouse.access[X] == theirs


async def test_two_projects_with_the_same_dataset_and_member(world: World) -> None:
    world.put(warehouse=wants("sales"))
    world.put("risk", uid="uid-risk", warehouse=wants("sales"))
    await asyncio.gather(world.reconcile("sales"), world.reconcile("risk"))
    assert (X, "principal://p/user-ada") in world.granted("sales") & world.granted("risk")
    assert len(world.warehouse.access[X]) == 4
    world.delete("sales")
    await world.reconcile("sales")
    assert reads("user-ada") in world.warehouse.access[X]
    world.put("risk", uid="uid-risk", warehouse=wants("sales"), members=[])
    await world.reconcile("risk")
    assert world.warehouse.access[X] == [BOSS, reads("project-risk-20006")]


async def test_one_project_takes_back_while_another_asks_for_the_same(world: World) -> None:
    world.put(warehouse=wants("sales"))
    await world.reconcile()
    world.delete()
    world.put("risk", uid="uid-risk", warehouse=wants("sales"))
    await asyncio.gather(world.reconcile("sales"), world.reconcile("risk"))
    assert world.warehouse.access[X] == [BOSS, reads("project-risk-20006"), reads("user-ada")] or (
        world.warehouse.access[X] == [BOSS, reads("user-ada"), reads("project-risk-20006")]
    )
    world.delete("risk")
    await world.reconcile("risk")
    assert world.warehouse.access[X] == [BOSS]


async def test_a_project_made_again_under_an_old_name_inherits_nothing(world: World) -> None:
    world.put(warehouse=wants("sales"))
    await world.reconcile()
    world.delete()
    await world.reconcile()
    del world.server.objects[f"{PROJECTS}/sales"]
    world.numbers["sales"]["uid-2"] = 20_009
    world.restart()
    world.put(uid="uid-2", warehouse=wants("risk"))
    await world.reconcile()
    assert world.warehouse.access == {X: [BOSS], Y: [BOSS, reads("project-sales-20009"), reads("user-ada")]}


async def test_nothing_is_taken_back_only_because_the_numbers_are_not_read_yet(world: World) -> None:
    world.put(warehouse=wants("sales"))
    await world.reconcile()
    world.restart()
    world.cache.accounts = Accounts()
    assert await world.reconcile() is None
    assert (world.warehouse.asked, world.server.writes) == ([], [])
    assert world.warehouse.access[X] == GRANTED


async def test_a_spec_that_cannot_be_read_changes_nothing_until_the_project_goes(world: World) -> None:
    world.put(warehouse=wants("sales"))
    await world.reconcile()
    world.put(warehouse=wants("sales"), members=[{"role": "nobody"}])
    assert await world.reconcile() is None
    assert world.warehouse.access[X] == GRANTED
    world.delete()
    await world.reconcile()
    assert (world.warehouse.access[X], world.finalizers()) == ([BOSS], [])


async def test_a_wish_that_no_warehouse_can_fulfil_is_said(world: World) -> None:
    world.identity = Identity()
    world.restart()
    world.put(warehouse=wants("sales"))
    assert await world.reconcile() is None
    assert world.condition() == (
        "False",
        "NoWarehouse",
        "The platform has no warehouse; set warehouse.mode in its values.",
    )
    await world.reconcile()
    assert (world.server.writes, world.warehouse.asked, world.finalizers()) == ([], [], [])


async def test_others_finalizers_stay(world: World) -> None:
    world.put(warehouse=wants("sales"))
    world.server.objects[f"{PROJECTS}/sales"]["metadata"]["finalizers"] = ["example.org/theirs"]
    await world.reconcile()
    assert world.finalizers() == ["example.org/theirs", GRANTS_FINALIZER]
    world.delete()
    await world.reconcile()
    assert world.finalizers() == ["example.org/theirs"]


async def test_what_kubernetes_refuses_is_tried_again(world: World) -> None:
    world.put(warehouse=wants("sales"))
    world.server.refuse = lambda request: status(409, "Conflict") if request.method == "PATCH" else None
    with pytest.raises(RetryError):
        await world.reconcile()
    assert world.warehouse.access[X] == [BOSS], "nothing is granted that is not told before"
    world.server.refuse = lambda _: None
    assert await world.reconcile() == DAY


@pytest.mark.parametrize("nth", range(1, 5))
async def test_an_operator_that_dies_after_any_write_leaves_nothing_behind(world: World, nth: int) -> None:
    world.put(warehouse=wants("sales"))
    for life in ("granting", "taking back"):
        left = [nth]

        def dies(*_: object, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Crash

        def refuse(request: httpx2.Request, dies: Any = dies) -> None:
            if request.method == "PATCH":
                dies()

        def before(method: str, _dataset: str, dies: Any = dies) -> int | None:
            return 503 if method == "PATCH" and _raises(dies) else None

        world.server.refuse, world.warehouse.before = refuse, before
        with contextlib.suppress(Crash):
            await world.reconcile()
        world.server.refuse, world.warehouse.before = (lambda _: None), (lambda _m, _d: None)
        world.restart()
        await world.reconcile()
        if life == "granting":
            assert world.warehouse.access[X] == GRANTED
            assert len(world.granted()) == 2
            world.delete()
        else:
            assert (world.warehouse.access[X], world.finalizers()) == ([BOSS], [])


def _raises(call: Any) -> bool:
    try:
        call()
    except Crash:
        return True
    return False


async def test_who_leaves_for_good_takes_back_what_can_be_and_holds_nothing(world: World) -> None:
    world.put(warehouse=wants("sales"))
    world.put("risk", uid="uid-risk", warehouse=wants("risk"), members=[])
    await world.reconcile("sales")
    await world.reconcile("risk")
    world.warehouse.before = lambda _method, dataset: 503 if dataset == Y else None
    world.server.show(world.cache)
    await take_leave(world.reconciler, world.cache, 20.0)
    assert world.warehouse.access == {X: [BOSS], Y: [BOSS, reads("project-risk-20006")]}
    assert (world.finalizers("sales"), world.finalizers("risk")) == ([], [])
    (said,) = world.events()
    assert "viewer of analytics-prod.risk for principal://p/project-risk-20006" in said


async def test_who_leaves_for_good_does_not_wait_for_ever(world: World) -> None:
    class Slow:
        async def leave(self, _: Key) -> None:
            await asyncio.sleep(60)

    world.put(warehouse=wants("sales"))
    await world.reconcile()
    await asyncio.wait_for(take_leave(Slow(), world.cache, 0.05), 5)


async def test_whether_the_namespace_goes(world: World) -> None:
    cluster = world.server.cluster()
    assert not await namespace_goes(cluster, "carrel")
    body = {"kind": "Namespace", "metadata": {"name": "carrel"}}
    world.server.put("/api/v1/namespaces/carrel", body)
    assert not await namespace_goes(cluster, "carrel")
    body["metadata"] |= {"deletionTimestamp": "2026-11-28T00:00:00Z"}  # type: ignore[operator]
    world.server.put("/api/v1/namespaces/carrel", body)
    assert await namespace_goes(cluster, "carrel")


async def test_before_the_release_goes_the_operator_ends_and_everything_is_taken_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put(warehouse=wants("sales"))
    await world.reconcile()
    pod = "/api/v1/namespaces/carrel/pods/operator-1"
    world.server.put(pod, {"kind": "Pod", "metadata": {"name": "operator-1", "namespace": "carrel"}})

    def scale(request: httpx2.Request) -> httpx2.Response | None:
        if not request.url.path.endswith("/deployments/operator/scale"):
            return None
        assert world.warehouse.access[X] == GRANTED, "first the operator, which would grant anew"
        del world.server.objects[pod]
        return httpx2.Response(200, json={"kind": "Scale"})

    world.server.refuse = scale
    monkeypatch.setattr(uninstall.Warehouse, "from_environment", world.warehouse.client)
    settings = msgspec.structs.replace(PLAIN, identity=IDENTITY)
    await uninstall._uninstall(settings, world.server.cluster())
    assert pod not in world.server.objects
    assert (world.warehouse.access[X], world.finalizers(), world.granted()) == ([BOSS], [], set())
