"""As much of the Kubernetes API as the hub uses, over real HTTP: apply, merge, delete, list and watch."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

KINDS = {
    "notebooks": "Notebook",
    "instancetypes": "InstanceType",
    "notebookimages": "NotebookImage",
    "projects": "Project",
    "secrets": "Secret",
    "configmaps": "ConfigMap",
    "deployments": "Deployment",
    "networkpolicies": "NetworkPolicy",
    "serviceaccounts": "ServiceAccount",
    "volumebackups": "VolumeBackup",
    "volumerestores": "VolumeRestore",
}


class KubernetesApi:
    """Objects by plural and name; every write is remembered, and told to all watches."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, dict[str, Any]]] = {plural: {} for plural in KINDS}
        self.writes: list[tuple[str, str]] = []
        self.requests: list[str] = []
        self.down = False
        self.refusal: tuple[int, str] | None = None
        self.forgotten_before = 0  # watches from an older version are told that it is gone
        self.url = ""
        self._version = 100
        self._watches: dict[str, set[asyncio.Queue[dict[str, Any] | None]]] = {
            plural: set() for plural in KINDS
        }

    def put(self, plural: str, body: dict[str, Any], *, quietly: bool = False) -> dict[str, Any]:
        """Write an object as a controller or an administrator would."""
        name, known = body["metadata"]["name"], self.objects[plural].get(body["metadata"]["name"])
        self._version += 1
        metadata = {
            "uid": known["metadata"]["uid"] if known else f"uid-{self._version}",
            "generation": known["metadata"]["generation"] if known else 0,
            **body["metadata"],
            "resourceVersion": str(self._version),
        }
        if known is None or known.get("spec") != body.get("spec"):
            metadata["generation"] += 1
        status = body.get("status", known.get("status") if known else None)
        stored = {**body, "kind": KINDS[plural], "metadata": metadata}
        if status is not None:
            stored["status"] = status
        self.objects[plural][name] = stored
        if not quietly:
            self._tell(plural, {"type": "MODIFIED" if known else "ADDED", "object": copy.deepcopy(stored)})
        return stored

    def remove(self, plural: str, name: str, *, quietly: bool = False) -> None:
        """Delete an object."""
        body = self.objects[plural].pop(name)
        self._version += 1
        body = {**body, "metadata": {**body["metadata"], "resourceVersion": str(self._version)}}
        if not quietly:
            self._tell(plural, {"type": "DELETED", "object": body})

    def say(self, name: str, phase: str, reason: str, message: str = "", **more: Any) -> None:
        """Write a Notebook's status as the operator does."""
        body = copy.deepcopy(self.objects["notebooks"][name])
        generation = body["metadata"]["generation"]
        ready = {"type": "Ready", "status": "False", "reason": reason, "message": message}
        body["status"] = {
            "phase": phase,
            "message": message,
            "observedGeneration": generation,
            "conditions": [ready],
            **more,
        }
        self.put("notebooks", body)

    def end_watches(self) -> None:
        """Let all watches end, as the API server does after a while."""
        for queues in self._watches.values():
            for queue in queues:
                queue.put_nowait(None)

    def expire(self) -> None:
        """Forget what was before now."""
        self.forgotten_before = self._version
        self.end_watches()

    def _tell(self, plural: str, event: dict[str, Any]) -> None:
        for queue in self._watches[plural]:
            queue.put_nowait(event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.requests.append(f"{request.method} {request.path_qs}")
        if self.down:
            return _status(503, "the server is down")
        if self.refusal and request.method != "GET":
            return _status(*self.refusal)
        plural, name = request.match_info["plural"], request.match_info.get("name", "")
        if request.method == "POST":
            return self._apply(plural, await request.json())
        if not name:
            watching = request.query.get("watch") == "true"
            return await self._watch(request, plural) if watching else self._list(plural)
        if request.content_type == "application/apply-patch+yaml":
            return self._apply(plural, await request.json())
        known = self.objects[plural].get(name)
        return await self._existing(request, plural, known) if known else _status(404, f"{name} not found")

    async def _existing(self, request: web.Request, plural: str, known: dict[str, Any]) -> web.Response:
        name = known["metadata"]["name"]
        if request.method != "GET":
            self.writes.append((request.method, f"{plural}/{name}"))
        if request.method == "DELETE":
            self.remove(plural, name)
        elif request.method == "PATCH":
            changes = await request.json()
            metadata = changes.get("metadata", {})
            version = known["metadata"]["resourceVersion"]
            if metadata.pop("resourceVersion", version) != version:
                return _status(409, "the object has been modified")
            annotations = known["metadata"].get("annotations", {}) | metadata.pop("annotations", {})
            metadata = {**known["metadata"], **metadata, "annotations": annotations}
            spec = {**known["spec"], **changes.get("spec", {})}
            known = self.put(plural, {**known, "metadata": metadata, "spec": spec})
        return web.json_response(known)

    async def handle_status(self, request: web.Request) -> web.Response:
        """Take in what one writer says in a status, and leave the rest."""
        plural, name = request.match_info["plural"], request.match_info["name"]
        self.writes.append(("APPLY", f"{plural}/{name}/status"))
        known = self.objects[plural][name]
        status = {**known.get("status", {}), **(await request.json())["status"]}
        return web.json_response(self.put(plural, {**known, "status": status}))

    def _apply(self, plural: str, body: dict[str, Any]) -> web.Response:
        self.writes.append(("APPLY", f"{plural}/{body['metadata']['name']}"))
        return web.json_response(self.put(plural, body))

    def _list(self, plural: str) -> web.Response:
        items = list(self.objects[plural].values())
        return web.json_response({"items": items, "metadata": {"resourceVersion": str(self._version)}})

    async def _watch(self, request: web.Request, plural: str) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        if int(request.query["resourceVersion"]) < self.forgotten_before:
            gone = {"kind": "Status", "code": 410, "message": "too old resource version"}
            await response.write(json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n")
            return response
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._watches[plural].add(queue)
        try:
            while event := await queue.get():
                await response.write(json.dumps(event).encode() + b"\n")
        finally:
            self._watches[plural].discard(queue)
        return response


async def _discovery(_: web.Request) -> web.Response:
    return web.json_response({"issuer": "https://cluster.example"})


def _status(code: int, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "message": message}, status=code)


@asynccontextmanager
async def served() -> AsyncIterator[KubernetesApi]:
    """The API at a free port of this machine."""
    api = KubernetesApi()
    app = web.Application()
    for path in ("/apis/carrel.dev/v1/{plural}", "/apis/carrel.dev/v1/namespaces/carrel/{plural}"):
        app.router.add_route("*", path, api.handle)
        app.router.add_route("*", path + "/{name}", api.handle)
        app.router.add_route("PATCH", path + "/{name}/status", api.handle_status)
    for group in ("api/v1", "apis/apps/v1", "apis/networking.k8s.io/v1"):
        app.router.add_route("*", f"/{group}/namespaces/carrel/{{plural}}/{{name}}", api.handle)
    app.router.add_get("/.well-known/openid-configuration", _discovery)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield api
    finally:
        api.end_watches()
        await runner.cleanup()


def size(name: str, **spec: Any) -> dict[str, Any]:
    """An InstanceType."""
    shares = {"cpu": {"request": "100m", "limit": "1"}, "memory": {"request": "512Mi", "limit": "2Gi"}}
    return {"metadata": {"name": name}, "spec": {**shares, **spec}}


def image(name: str, **spec: Any) -> dict[str, Any]:
    """A NotebookImage."""
    return {"metadata": {"name": name}, "spec": {"image": f"example.org/{name}:1", **spec}}


def notebook(owner: str = "ada", **spec: Any) -> dict[str, Any]:
    """A Notebook of a person's default server."""
    chosen = {"owner": owner, "instanceType": "small", "image": "standard", "session": "s1", "running": True}
    return {"metadata": {"name": owner, "namespace": "carrel"}, "spec": {**chosen, **spec}}
