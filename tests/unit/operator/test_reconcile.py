"""The reconcile against an API server: what is written, in which order, and that a crash anywhere changes nothing."""

from typing import Any

import httpx2
import pytest

from carrel_operator import concerned
from carrel_operator.cache import Cache
from carrel_operator.places import Key
from carrel_operator.sweep import Sweeper
from carrel_operator.workqueue import RetryError
from unit.operator.api_server import ApiServer, status
from unit.operator.api_server import operator as reconcile_with

KEY = Key("carrel", "ada")
CHILDREN = [
    "POST configmaps",
    "PATCH serviceaccounts/user-ada",
    "POST persistentvolumeclaims",
    "PATCH services/nb-ada",
    "PATCH networkpolicies/nb-ada",
    "POST pods",
]
STATUS = "PATCH notebooks/ada/status"
NOTEBOOKS = "/apis/carrel.dev/v1/namespaces/carrel/notebooks"
PODS = "/api/v1/namespaces/carrel/pods"


class CrashError(Exception):
    """The operator dies."""


def thing(kind: str, name: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": "carrel.dev/v1", "kind": kind, "metadata": {"name": name}, **rest}


@pytest.fixture
def server() -> ApiServer:
    """A cluster with a catalogue and one running Notebook."""
    server = ApiServer()
    size = {"cpu": {"limit": "1"}, "memory": {"limit": "1Gi"}}
    server.put("/apis/carrel.dev/v1/instancetypes/small", thing("InstanceType", "small", spec=size))
    image = {"image": "example.org/notebook:1"}
    server.put("/apis/carrel.dev/v1/notebookimages/standard", thing("NotebookImage", "standard", spec=image))
    spec = {"owner": "ada", "running": True, "session": "s1", "instanceType": "small", "image": "standard"}
    notebook = thing("Notebook", "ada", spec=spec)
    notebook["metadata"] |= {"namespace": "carrel", "generation": 1}
    server.put(f"{NOTEBOOKS}/ada", notebook)
    return server


class Operator:
    """An operator that has just started and seen everything."""

    def __init__(self, server: ApiServer) -> None:
        self.cache = Cache()
        server.show(self.cache)
        self.reconciler = reconcile_with(server, self.cache)

    async def settle(self) -> None:
        """Reconcile until there is nothing left to do at once."""
        while await self.reconciler.reconcile(KEY) == 0.0:
            pass


def pod_status(server: ApiServer, **state: Any) -> None:
    pod = server.objects[f"{PODS}/nb-ada"]
    pod["spec"]["nodeName"] = "n1"
    pod["status"] = {"phase": "Running", "containerStatuses": [{"state": state}]}
    server.put(f"{PODS}/nb-ada", pod)
    claim = server.objects["/api/v1/namespaces/carrel/persistentvolumeclaims/home-ada"]
    server.put(
        f"/api/v1/namespaces/carrel/persistentvolumeclaims/{claim['metadata']['name']}",
        claim | {"status": {"phase": "Bound"}},
    )


async def test_a_start_writes_each_child_once_then_the_status_and_then_nothing(server: ApiServer) -> None:
    operator = Operator(server)
    await operator.settle()
    assert server.writes[:2] == CHILDREN[:2]
    assert sorted(server.writes) == sorted(CHILDREN)
    assert server.writes[-1] == CHILDREN[-1]
    pod_status(server, running={})
    server.show(operator.cache)
    await operator.settle()
    assert server.writes[len(CHILDREN) :] == [STATUS]
    assert server.objects[f"{NOTEBOOKS}/ada"]["status"]["phase"] == "Running"
    await operator.settle()
    await Operator(server).settle()
    assert len(server.writes) == len(CHILDREN) + 1


@pytest.mark.parametrize("survived", range(len(CHILDREN)))
async def test_a_crash_after_any_write_ends_the_same(server: ApiServer, survived: int) -> None:
    def crash(request: httpx2.Request) -> None:
        if request.method != "GET" and len(server.writes) == survived:
            raise CrashError

    server.refuse = crash
    with pytest.raises(CrashError):
        await Operator(server).settle()
    server.refuse = lambda _: None
    await Operator(server).settle()
    assert sorted(server.writes) == sorted(CHILDREN)


async def test_a_pod_of_another_session_goes_first(server: ApiServer) -> None:
    operator = Operator(server)
    await operator.settle()
    notebook = server.objects[f"{NOTEBOOKS}/ada"]
    notebook["spec"]["session"] = "s2"
    server.put(f"{NOTEBOOKS}/ada", notebook)
    server.show(operator.cache)
    server.writes.clear()
    await operator.settle()
    assert server.writes == ["DELETE pods/nb-ada", STATUS]
    operator.cache.forget(server.deleted[-1])
    await operator.settle()
    assert server.writes[2:] == ["POST pods"]
    assert server.objects[f"{PODS}/nb-ada"]["metadata"]["annotations"]["carrel.dev/session"] == "s2"


async def test_a_newer_pod_of_the_same_name_is_not_deleted_by_an_old_view(server: ApiServer) -> None:
    operator = Operator(server)
    await operator.settle()
    newer = server.objects[f"{PODS}/nb-ada"]
    newer["metadata"]["uid"] = "newer"
    notebook = server.objects[f"{NOTEBOOKS}/ada"]
    notebook["spec"]["running"] = False
    operator.cache.see(server.put(f"{NOTEBOOKS}/ada", notebook))
    await operator.reconciler.reconcile(KEY)
    assert f"{PODS}/nb-ada" in server.objects


async def test_a_pod_that_was_there_unseen_is_not_touched(server: ApiServer) -> None:
    """Its session may be another; that is seen and decided in the next run."""
    await Operator(server).settle()
    pod = server.objects.pop(f"{PODS}/nb-ada")
    operator = Operator(server)
    server.objects[f"{PODS}/nb-ada"] = pod
    with pytest.raises(RetryError):
        await operator.reconciler.reconcile(KEY)
    assert server.objects[f"{PODS}/nb-ada"] == pod
    server.writes.clear()
    await operator.settle()
    assert server.writes == []


async def test_what_is_edited_by_hand_is_put_right_and_what_is_added_is_left(server: ApiServer) -> None:
    operator = Operator(server)
    await operator.settle()
    path = "/api/v1/namespaces/carrel/services/nb-ada"
    service = server.objects[path]
    service["spec"]["ports"] = []
    service["metadata"]["labels"]["team"] = "data"
    server.put(path, service)
    server.show(operator.cache)
    server.writes.clear()
    await operator.settle()
    assert server.writes == ["PATCH services/nb-ada"]
    assert server.objects[path]["spec"]["ports"][0]["port"] == 8888
    assert server.objects[path]["metadata"]["labels"]["team"] == "data"


@pytest.mark.parametrize(
    ("answer", "reason", "sentence"),
    [
        (
            status(
                403,
                "Forbidden",
                'pods "nb-ada" is forbidden: exceeded quota: q, used: pods=2, limited: pods=2',
            ),
            "QuotaExceeded",
            (
                "The quota for notebooks is used up (q, used: pods=2, limited: pods=2). "
                "Choose a smaller size, or wait until others stop theirs."
            ),
        ),
        (
            status(403, "Forbidden", "violates PodSecurity"),
            "Refused",
            "Kubernetes refused the server: violates PodSecurity. Ask an administrator.",
        ),
        (
            status(422, "Invalid", "spec.nodeSelector is wrong"),
            "Refused",
            "Kubernetes refused the server: spec.nodeSelector is wrong. Ask an administrator.",
        ),
    ],
)
async def test_a_refusal_is_said_once_and_tried_again_later(
    server: ApiServer, answer: httpx2.Response, reason: str, sentence: str
) -> None:
    server.refuse = lambda request: answer if request.url.path == PODS else None
    operator = Operator(server)
    for _ in range(3):
        with pytest.raises(RetryError):
            await operator.reconciler.reconcile(KEY)
    written = server.objects[f"{NOTEBOOKS}/ada"]["status"]
    assert (written["conditions"][0]["reason"], written["message"]) == (reason, sentence)
    assert server.writes.count(STATUS) == 1


async def test_the_api_server_is_left_alone_for_as_long_as_it_asks(server: ApiServer) -> None:
    busy = httpx2.Response(429, headers={"Retry-After": "7"}, json={"message": "too many requests"})
    server.refuse = lambda request: busy if request.method != "GET" else None
    with pytest.raises(RetryError) as caught:
        await Operator(server).reconciler.reconcile(KEY)
    assert caught.value.at_least == 7.0


async def test_after_a_break_what_is_gone_is_found_and_made_again(server: ApiServer) -> None:
    operator = Operator(server)
    await operator.settle()
    del server.objects["/api/v1/namespaces/carrel/services/nb-ada"]
    woken: list[dict[str, Any]] = []
    await Sweeper(server.cluster(), operator.cache, "carrel", woken.append).sweep("all kinds")
    assert [list(concerned.notebooks(operator.cache, body)) for body in woken] == [[KEY]]
    server.writes.clear()
    await operator.settle()
    assert server.writes == ["PATCH services/nb-ada"]


async def test_a_notebook_that_is_gone_or_going_is_left_alone(server: ApiServer) -> None:
    notebook = server.objects[f"{NOTEBOOKS}/ada"]
    notebook["metadata"]["deletionTimestamp"] = "2026-11-23T00:00:00Z"
    await Operator(server).settle()
    del server.objects[f"{NOTEBOOKS}/ada"]
    await Operator(server).settle()
    assert server.writes == []


async def test_a_spec_that_cannot_be_read_is_said_once(server: ApiServer) -> None:
    del server.objects[f"{NOTEBOOKS}/ada"]["spec"]["image"]
    operator = Operator(server)
    await operator.settle()
    await operator.settle()
    assert server.writes == [STATUS]
    assert "spec.image is missing" in server.objects[f"{NOTEBOOKS}/ada"]["status"]["message"]
