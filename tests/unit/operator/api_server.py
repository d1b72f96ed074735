"""A tiny Kubernetes API server: it stores, applies, versions and refuses, and keeps a record of what it was asked."""

import itertools
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import httpx2

from carrel_operator.cache import Cache
from carrel_operator.cluster import Cluster
from carrel_operator.reconcile import Reconciler
from carrel_operator.registry import Registry
from unit.operator.worlds import PLAIN

Refusal = Callable[[httpx2.Request], httpx2.Response | None]


class ApiServer:
    """Objects by path; every write that changes one gives it a new version."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.writes: list[str] = []
        self.deleted: list[dict[str, Any]] = []
        self.refuse: Refusal = lambda _: None
        self._versions = itertools.count(1)

    def cluster(self) -> Cluster:
        """A connection to this server."""
        transport = httpx2.MockTransport(self._answer)
        return Cluster(httpx2.AsyncClient(transport=transport, base_url="http://kubernetes"))

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Store an object as if somebody else had written it."""
        body = deepcopy(body)
        metadata = body["metadata"]
        metadata.setdefault("uid", f"uid-{path.rsplit('/', 1)[1]}-{next(self._versions)}")
        metadata["resourceVersion"] = str(next(self._versions))
        if body["kind"] == "Service":
            body["spec"].setdefault("clusterIP", "10.0.0.7")
        self.objects[path] = body
        return body

    def show(self, cache: Cache) -> None:
        """Let a watch tell the cache everything."""
        for body in self.objects.values():
            cache.see(deepcopy(body))

    def names(self) -> Iterator[str]:
        """Kind and name of every object."""
        for body in self.objects.values():
            yield f"{body['kind']} {body['metadata']['name']}"

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if refused := self.refuse(request):
            return refused
        path = request.url.path
        content = json.loads(request.content) if request.content else None
        if request.method == "GET":
            return self._get(path)
        self.writes.append(f"{request.method} {path.rsplit('/namespaces/carrel/', 1)[1]}")
        if request.method == "POST":
            path = f"{path}/{content['metadata']['name']}"
            if path in self.objects:
                return status(409, "AlreadyExists")
            return httpx2.Response(201, json=self.put(path, content))
        return self._delete(path, content) if request.method == "DELETE" else self._apply(path, content)

    def _delete(self, path: str, options: dict[str, Any]) -> httpx2.Response:
        if self.objects[path]["metadata"]["uid"] != options["preconditions"]["uid"]:
            return status(409, "Conflict")
        body = self.objects.pop(path)
        body["metadata"]["resourceVersion"] = str(next(self._versions))
        self.deleted.append(body)
        return status(200, "")

    def _get(self, path: str) -> httpx2.Response:
        if path in self.objects:
            return httpx2.Response(200, json=self.objects[path])
        if path.endswith("/configmaps/accounts"):
            return status(404, "NotFound")
        items = [body for key, body in self.objects.items() if key.rsplit("/", 1)[0] == path]
        return httpx2.Response(200, json={"items": items, "metadata": {"resourceVersion": "1000"}})

    def _apply(self, path: str, content: dict[str, Any]) -> httpx2.Response:
        if path.endswith("/resize"):
            return self._resize(path.removesuffix("/resize"), content)
        path = path.removesuffix("/status")
        there = self.objects.get(path, {})
        if refused := _other_version(there, content):
            return refused
        merged = _merge(deepcopy(there), content)
        if "status" in content:
            merged["status"] = content["status"]
        return httpx2.Response(200, json=there if merged == there else self.put(path, merged))

    def _resize(self, path: str, content: dict[str, Any]) -> httpx2.Response:
        body = deepcopy(self.objects[path])
        if body["metadata"]["uid"] != content["metadata"]["uid"]:
            return status(409, "Conflict")
        (wanted,), (container,) = content["spec"]["containers"], body["spec"]["containers"]
        container["resources"] = _merge(container["resources"], wanted["resources"])
        body["metadata"]["generation"] = body["metadata"].get("generation", 1) + 1
        return httpx2.Response(200, json=self.put(path, body))


def operator(server: ApiServer, cache: Cache) -> Reconciler:
    """The operator's reconcile, with settings of no interest."""
    cluster = server.cluster()
    return Reconciler(cluster, cache, PLAIN, Registry(cluster, cache, PLAIN.namespace))


def status(code: int, reason: str, message: str = "refused") -> httpx2.Response:
    """What Kubernetes answers when it refuses."""
    return httpx2.Response(code, json={"kind": "Status", "reason": reason, "message": message})


def _other_version(there: dict[str, Any], content: dict[str, Any]) -> httpx2.Response | None:
    """As Kubernetes answers to somebody who names the version that they know of."""
    wanted = content["metadata"].get("resourceVersion")
    if wanted is None:
        return None
    if not there:
        return status(404, "NotFound")
    return None if there["metadata"]["resourceVersion"] == wanted else status(409, "Conflict")


def _merge(there: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    for key, value in content.items():
        if isinstance(value, dict) and isinstance(there.get(key), dict):
            _merge(there[key], value)
        else:
            there[key] = value
    return there
