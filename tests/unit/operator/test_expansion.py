"""How large a home should become, what is said about it, and that Kubernetes is asked once."""

from dataclasses import replace
from typing import Any

import pytest

from carrel_operator.api import Body, DiskUse, Notebook
from carrel_operator.cache import Cache
from carrel_operator.desired import desired_set
from carrel_operator.places import Key
from carrel_operator.seen import Seen
from carrel_operator.settings import parse
from carrel_operator.volume_verdict import volumes, volumes_ready
from unit.operator.api_server import ApiServer, operator, status
from unit.operator.worlds import PLAIN, container, notebook, pod, seen
from unit.operator.worlds import home as plain_home

GIBIBYTE = 2**30
CAPPED = parse({"namespace": "carrel", "home": {"size": "10Gi", "maxSize": "20Gi"}})
LARGER = parse({"namespace": "carrel", "home": {"size": "12Gi"}})


def home(requested: str = "10Gi", capacity: str = "", **more: Any) -> Body:
    claim = plain_home()
    claim["metadata"] |= {"uid": "claim-uid", "namespace": "carrel"}
    claim["spec"]["resources"]["requests"]["storage"] = requested
    claim["status"] |= {"capacity": {"storage": capacity or requested}, **more}
    return claim


def used(gibibytes: float, of: float = 10, **spec: Any) -> Notebook:
    use = DiskUse(int(gibibytes * GIBIBYTE), int(of * GIBIBYTE))
    return replace(notebook(**spec), home_use=use)


def at_work(of: Notebook, claim: Body, *, age: float = 60.0) -> Seen:
    return seen(of, home=claim, pod=pod(of, age=age, status=container(running={})))


STOPPED = notebook(running=False)
SIZES: dict[str, tuple[Seen, Any, str | None]] = {
    "as asked": (at_work(notebook(), home()), PLAIN, None),
    "not there yet": (seen(notebook(homeSize="50Gi")), PLAIN, None),
    "its own size was raised": (at_work(notebook(homeSize="50Gi"), home()), PLAIN, "50Gi"),
    "… in other words": (at_work(notebook(homeSize="10240Mi"), home()), PLAIN, None),
    "… while stopped": (seen(notebook(running=False, homeSize="50Gi"), home=home()), PLAIN, "50Gi"),
    "its own size was lowered": (at_work(notebook(homeSize="5Gi"), home()), PLAIN, None),
    "somebody else's": (at_work(notebook("alan", name="alan", homeSize="50Gi"), home()), PLAIN, None),
    "the default was raised": (at_work(notebook(), home()), LARGER, "12Gi"),
    "… which concerns no stopped server": (seen(STOPPED, home=home()), LARGER, None),
    "the default was lowered": (at_work(notebook(), home("50Gi")), LARGER, None),
    "nearly full": (at_work(used(8.5), home()), CAPPED, "15Gi"),
    "not nearly full": (at_work(used(8.4), home()), CAPPED, None),
    "nearly full without a cap": (at_work(used(10), home()), PLAIN, None),
    "nearly full below the cap": (at_work(used(15, of=15), home("15Gi")), CAPPED, "20Gi"),
    "nearly full at the cap": (at_work(used(20, of=20), home("20Gi")), CAPPED, None),
    "nearly full above the cap": (at_work(used(50, of=50), home("50Gi")), CAPPED, None),
    "nearly full on a disk of many": (at_work(used(900, of=1000), home()), CAPPED, None),
    "nearly full, growing already": (at_work(used(9), home("15Gi", "10Gi")), CAPPED, None),
    "just grown, the last report is older": (at_work(used(9), home("15Gi")), CAPPED, None),
    "nearly full long ago": (at_work(used(9), home(), age=59.0), CAPPED, None),
    "nearly full, starting": (seen(used(9), home=home(), pod=pod(used(9))), CAPPED, None),
    "nearly full, stopped": (seen(used(9, running=False), home=home()), CAPPED, None),
}


@pytest.mark.parametrize("case", SIZES)
def test_the_size_to_ask_for(case: str) -> None:
    world, settings, size = SIZES[case]
    assert desired_set(world, settings).home_size == size


def test_what_was_reported_before_the_start_is_looked_at_again_when_it_is_surely_new() -> None:
    assert desired_set(at_work(used(9), home(), age=50.0), CAPPED).look_again_in == 10.0
    assert desired_set(at_work(used(1), home(), age=50.0), CAPPED).look_again_in is None


FAILED = [{"type": "NodeResizeError", "status": "True", "message": "no space on the array."}]
SENTENCES: dict[str, tuple[Seen, str | None, str]] = {
    "there": (at_work(notebook(), home()), None, "The home 'home-ada' has its disk."),
    "asked for less": (
        at_work(notebook(homeSize="5Gi"), home()),
        None,
        "The home 'home-ada' has its disk of 10 GiB, more than the 5 GiB asked for: a disk never becomes smaller.",
    ),
    "growing": (
        at_work(notebook(), home("15Gi", "10Gi")),
        None,
        "The home 'home-ada' has its disk of 10 GiB and is growing to 15 GiB.",
    ),
    "could not grow": (
        at_work(notebook(), home("15Gi", "10Gi", conditions=FAILED)),
        None,
        "The home 'home-ada' has its disk of 10 GiB and could not grow to 15 GiB: no space on the array.",
    ),
    "may not grow": (
        at_work(notebook(homeSize="15Gi"), home()),
        "it can't grow to 15 GiB: its storage class does not let volumes grow",
        "The home 'home-ada' has its disk of 10 GiB; it can't grow to 15 GiB: its storage class does not let volumes grow.",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_a_person_reads_why_a_home_is_not_the_size_asked_for(case: str) -> None:
    world, problem, sentence = SENTENCES[case]
    condition = volumes_ready(world, problem)
    assert (condition.status, condition.message) == (True, sentence)


def test_the_size_that_is_told_is_the_one_that_is_there() -> None:
    [volume] = volumes(at_work(notebook(), home("15Gi", "10Gi")))
    assert volume.size == "10Gi"


class World:
    """An operator that sees a stopped Notebook whose home should be larger."""

    def __init__(self) -> None:
        self.server, self.cache = ApiServer(), Cache()
        self.server.put(f"{CLAIMS}/home-ada", {"kind": "PersistentVolumeClaim", **home()})
        spec = {"owner": "ada", "instanceType": "small", "image": "standard", "homeSize": "50Gi"}
        metadata = {"name": "ada", "namespace": "carrel", "generation": 1}
        self.notebook = {
            "kind": "Notebook",
            "metadata": metadata,
            "spec": spec,
            "status": {"phase": "Stopped"},
        }
        self.server.put(NOTEBOOK, self.notebook)
        self.reconciler = operator(self.server, self.cache)

    async def reconcile(self) -> None:
        self.server.show(self.cache)
        await self.reconciler.reconcile(Key("carrel", "ada"))

    def said(self) -> str:
        conditions = self.server.objects[NOTEBOOK]["status"]["conditions"]
        return next(str(each["message"]) for each in conditions if each["type"] == "VolumesReady")


CLAIMS = "/api/v1/namespaces/carrel/persistentvolumeclaims"
NOTEBOOK = "/apis/carrel.dev/v1/namespaces/carrel/notebooks/ada"
EXPAND = "PATCH persistentvolumeclaims/home-ada"
TELL = "PATCH notebooks/ada/status"
NOT_EXPANDABLE = (
    'persistentvolumeclaims "home-ada" is forbidden: only dynamically provisioned pvc can be resized and '
    "the storageclass that provisions the pvc must support resize"
)


async def test_a_larger_home_is_asked_for_once() -> None:
    world = World()
    for _ in range(3):
        await world.reconcile()
    assert world.server.writes == [EXPAND, TELL]
    claim = world.server.objects[f"{CLAIMS}/home-ada"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "50Gi"
    assert "is growing to 50 GiB" in world.said()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (NOT_EXPANDABLE, "its storage class does not let volumes grow"),
        (
            "persistentvolumeclaims is forbidden: exceeded quota: disks, used: 9",
            "the quota for storage is used up",
        ),
        ("no", "Kubernetes says: no"),
    ],
)
async def test_a_no_is_told_and_not_asked_again_before_the_next_start(answer: str, why: str) -> None:
    world, asked = World(), []

    def refuse(request: Any) -> Any:
        if "/persistentvolumeclaims/" not in request.url.path:
            return None
        asked.append(request.url.path)
        return status(403, "Forbidden", answer)

    world.server.refuse = refuse
    for _ in range(3):
        await world.reconcile()
    assert (len(asked), world.server.writes) == (1, [TELL])
    assert f"it can't grow to 50 GiB: {why}" in world.said()
    world.server.put(
        NOTEBOOK, world.server.objects[NOTEBOOK] | {"spec": world.notebook["spec"] | {"session": "s2"}}
    )
    await world.reconcile()
    assert len(asked) == 2
