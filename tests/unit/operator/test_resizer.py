"""The resize against an API server: asked once, in turn where many are concerned, and never again after a final no."""

from typing import Any

import httpx2
import pytest

from carrel_operator.cache import Cache
from carrel_operator.places import Key
from carrel_operator.resizer import Turns
from carrel_operator.workqueue import RetryError
from unit.operator.api_server import ApiServer, operator, status

SIZES = "/apis/carrel.dev/v1/instancetypes"
NOTEBOOKS = "/apis/carrel.dev/v1/namespaces/carrel/notebooks"
PODS = "/api/v1/namespaces/carrel/pods"
RESIZE = "PATCH pods/nb-ada/resize"
STATUS = "PATCH notebooks/ada/status"
TOO_BIG = (
    "pods is forbidden: node didn't have enough allocatable resources: memory, requested: 9, allocatable: 8"
)


def size(name: str, memory: str) -> dict[str, Any]:
    spec = {"cpu": {"limit": "1"}, "memory": {"limit": memory}}
    return {
        "apiVersion": "carrel.dev/v1",
        "kind": "InstanceType",
        "metadata": {"name": name},
        "spec": spec,
    }


class World:
    """An operator that has seen a cluster with running notebooks of the size small."""

    def __init__(self, *people: str) -> None:
        self.server = ApiServer()
        self.server.put(f"{SIZES}/small", size("small", "1Gi"))
        self.server.put(f"{SIZES}/medium", size("medium", "2Gi"))
        self.server.put(f"{SIZES}/large", size("large", "4Gi"))
        image = {
            "apiVersion": "carrel.dev/v1",
            "kind": "NotebookImage",
            "metadata": {"name": "standard"},
            "spec": {"image": "example.org/notebook:1"},
        }
        self.server.put("/apis/carrel.dev/v1/notebookimages/standard", image)
        for person in people:
            self._notebook(person)
        self.start_operator()

    def _notebook(self, person: str) -> None:
        spec = {
            "owner": person,
            "running": True,
            "session": "s1",
            "instanceType": "small",
            "image": "standard",
        }
        metadata = {"name": person, "namespace": "carrel", "generation": 1}
        self.server.put(
            f"{NOTEBOOKS}/{person}",
            {"apiVersion": "carrel.dev/v1", "kind": "Notebook", "metadata": metadata, "spec": spec},
        )

    def start_operator(self) -> None:
        self.cache = Cache()
        self.server.show(self.cache)
        self.reconciler = operator(self.server, self.cache)

    async def reconcile(self, person: str = "ada") -> float | None:
        self.server.show(self.cache)
        again_in: float | None = 0.0
        while again_in == 0.0:
            again_in = await self.reconciler.reconcile(Key("carrel", person))
        return again_in

    async def run_pod(self, person: str = "ada") -> None:
        """The kubelet starts the pod, and does what it was asked."""
        await self.reconcile(person)
        self.obey(person)
        await self.reconcile(person)
        self.server.writes.clear()

    def obey(self, person: str = "ada") -> None:
        pod = self.server.objects[f"{PODS}/nb-{person}"]
        pod["spec"]["nodeName"] = "n1"
        limits = pod["spec"]["containers"][0]["resources"]["limits"]
        pod["status"] = {
            "phase": "Running",
            "observedGeneration": pod["metadata"].get("generation", 0),
            "containerStatuses": [{"state": {"running": {}}, "resources": {"limits": limits}}],
        }
        self.server.put(f"{PODS}/nb-{person}", pod)

    def choose(self, name: str, person: str = "ada") -> None:
        notebook = self.server.objects[f"{NOTEBOOKS}/{person}"]
        notebook["spec"]["instanceType"] = name
        notebook["metadata"]["generation"] += 1
        self.server.put(f"{NOTEBOOKS}/{person}", notebook)

    def resize(self) -> dict[str, Any]:
        """What the status says."""
        found: dict[str, Any] = self.server.objects[f"{NOTEBOOKS}/ada"]["status"]["resize"]
        return found


@pytest.fixture
async def world() -> World:
    world = World("ada")
    await world.run_pod()
    return world


async def test_a_resize_is_asked_once_and_told_once(world: World) -> None:
    world.choose("medium")
    assert await world.reconcile(), "that it began is held back for a moment"
    assert world.server.writes == [RESIZE]
    world.obey()
    await world.reconcile()
    await world.reconcile()
    assert world.server.writes == [RESIZE, STATUS]
    assert world.resize()["message"] == "Size 'medium' is in force."
    found = world.server.objects[f"{NOTEBOOKS}/ada"]["status"]
    assert (found["instanceType"], found["memory"]["limit"]) == ("medium", "2Gi")


async def test_an_operator_that_was_away_asks_for_the_last_size_alone(world: World) -> None:
    world.choose("medium")
    world.choose("large")
    world.start_operator()
    await world.reconcile()
    assert world.server.writes == [RESIZE]
    limits = world.server.objects[f"{PODS}/nb-ada"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits["memory"] == "4Gi"


async def test_a_final_no_is_told_and_not_asked_again(world: World) -> None:
    world.server.refuse = lambda request: (
        status(403, "Forbidden", TOO_BIG) if request.url.path.endswith("/resize") else None
    )
    asked = count_resizes(world.server)
    world.choose("medium")
    await world.reconcile()
    await world.reconcile()
    assert len(asked) == 1
    assert world.server.writes == [STATUS]
    assert world.resize()["state"] == "Infeasible"
    world.choose("large")
    await world.reconcile()
    assert len(asked) == 2
    world.choose("small")
    await world.reconcile()
    assert world.resize()["state"] == "Applied"
    world.choose("large")
    await world.reconcile()
    assert len(asked) == 3, "who asks again is answered again"


async def test_a_used_up_quota_is_asked_again(world: World) -> None:
    refusal = status(403, "Forbidden", "pods is forbidden: exceeded quota: people, requested: memory=1Gi")
    world.server.refuse = lambda request: refusal if request.url.path.endswith("/resize") else None
    asked = count_resizes(world.server)
    world.choose("medium")
    for _ in range(2):
        with pytest.raises(RetryError, match="quota"):
            await world.reconcile()
    assert len(asked) == 2
    assert world.server.writes == [STATUS]
    assert world.resize()["reason"] == "QuotaExceeded"


async def test_an_api_server_that_is_away_is_asked_again(world: World) -> None:
    world.server.refuse = lambda request: status(503, "") if request.url.path.endswith("/resize") else None
    world.choose("medium")
    with pytest.raises(RetryError):
        await world.reconcile()
    world.server.refuse = lambda _: None
    await world.reconcile()
    assert world.server.writes.count(RESIZE) == 1


async def test_a_pod_that_was_replaced_is_left_alone(world: World) -> None:
    world.choose("medium")
    world.server.show(world.cache)
    world.server.objects[f"{PODS}/nb-ada"]["metadata"]["uid"] = "another"
    before = world.server.objects[f"{PODS}/nb-ada"]["spec"]["containers"][0]["resources"]
    await world.reconciler.reconcile(Key("carrel", "ada"))
    assert world.server.objects[f"{PODS}/nb-ada"]["spec"]["containers"][0]["resources"] == before


async def test_what_others_say_in_the_status_is_left_alone(world: World) -> None:
    notebook = world.server.objects[f"{NOTEBOOKS}/ada"]
    notebook["status"]["memory"]["peak"] = "123"
    notebook["status"]["memory"]["lastKill"] = {"action": "KernelKilled"}
    world.server.put(f"{NOTEBOOKS}/ada", notebook)
    await world.reconcile()
    assert world.server.writes == []


async def test_an_admins_change_of_a_size_is_applied_in_turn() -> None:
    people = ("ada", "bob", "cyd")
    world = World(*people)
    for person in people:
        await world.run_pod(person)
    world.server.put(f"{SIZES}/small", size("small", "3Gi"))
    waits = [await world.reconcile(person) for person in people]
    resized = [write for write in world.server.writes if write.endswith("/resize")]
    assert resized == [RESIZE]
    assert [wait and wait > 0.1 for wait in waits[1:]] == [True, True]
    world.choose("large", "cyd")
    await world.reconcile("cyd")
    assert "PATCH pods/nb-cyd/resize" in world.server.writes, "a person's own wish waits for nobody"


def test_turns_come_at_a_steady_rate_and_in_order() -> None:
    now = [100.0]
    turns = Turns(2, lambda: now[0])
    one, two, three = (Key("carrel", name) for name in ("one", "two", "three"))
    assert turns.wait(one) == 0
    assert (turns.wait(two), turns.wait(three), turns.wait(two)) == (0.5, 1.0, 0.5)
    now[0] = 100.5
    assert (turns.wait(two), turns.wait(three)) == (0, 0.5)
    turns.give_up(three)
    now[0] = 110
    assert turns.wait(one) == 0


def count_resizes(server: ApiServer) -> list[str]:
    """The paths of the resizes asked for from now on, refused ones too."""
    asked: list[str] = []
    refuse = server.refuse

    def recorded(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path.endswith("/resize"):
            asked.append(request.url.path)
        return refuse(request)

    server.refuse = recorded
    return asked
