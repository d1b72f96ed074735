"""The way to the Kubernetes API: reads and writes of plain objects.

lightkube finds the cluster and signs in; the requests are made here, because its client can't delete under
a precondition and ours never need its models.
"""

import json
from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Self

import httpx2
from lightkube import KubeConfig
from lightkube.config.client_adapter import AsyncClient, ConnectionParams

from carrel_operator import api, kinds
from carrel_operator.api import Body, Metadata
from carrel_operator.cluster_errors import ConflictError, NotFoundError, UnavailableError, error_in, error_of
from carrel_operator.snapshot_seen import API_VERSION as SNAPSHOT_API

FIELD_MANAGER = "carrel-operator"

# Kubernetes sends a bookmark about once a minute, so a watch that says nothing for longer than this is dead.
_WATCH_SILENCE_SECONDS = 150.0
_WATCH_SECONDS = 600


class Cluster:
    """One connection to the API server."""

    def __init__(self, http: httpx2.AsyncClient, field_manager: str = FIELD_MANAGER) -> None:
        self._http = http
        self._field_manager = field_manager

    @classmethod
    def connect(cls, field_manager: str = FIELD_MANAGER) -> Self:
        """Sign in as the pod's ServiceAccount, or outside a cluster as KUBECONFIG says."""
        config = KubeConfig.from_env().get()
        if config is None:
            message = "The kubeconfig has no current context."
            raise UnavailableError(message)
        return cls(AsyncClient(config, ConnectionParams(timeout=httpx2.Timeout(10.0))), field_manager)

    async def close(self) -> None:
        """End the connection."""
        await self._http.aclose()

    async def serves_our_kinds(self) -> bool:
        """Whether the cluster knows Notebooks and the rest of our API group yet."""
        return await self._serves(api.API_VERSION, kinds.OURS)

    async def serves_snapshots(self) -> bool:
        """Whether the cluster knows snapshots of volumes."""
        return await self._serves(SNAPSHOT_API, {"VolumeSnapshot", "VolumeSnapshotClass"})

    async def issuer(self) -> str:
        """Who signs the tokens of this cluster's ServiceAccounts, as its discovery document says."""
        return str((await self._send("GET", "/.well-known/openid-configuration")).get("issuer", ""))

    async def get(self, kind: str, namespace: str, name: str) -> Body:
        """Read one object."""
        return await self._send("GET", f"{kinds.collection(kind, namespace)}/{name}")

    async def names(self, kind: str, namespace: str) -> tuple[set[str], int]:
        """The names of all objects of a kind, and the version of the list."""
        collection = kinds.collection(kind, kinds.scope(kind, namespace))
        # the metadata alone: a tenth of what the objects weigh
        found = await self._send(
            "GET",
            collection,
            headers={"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"},
        )
        return {item["metadata"]["name"] for item in found["items"]}, int(
            found["metadata"]["resourceVersion"]
        )

    async def list(self, kind: str, namespace: str) -> tuple[list[Body], str]:
        """All objects of a kind, and the version of the list to watch from."""
        found = await self._send("GET", kinds.collection(kind, kinds.scope(kind, namespace)))
        return found["items"], found["metadata"]["resourceVersion"]

    async def watch(self, kind: str, namespace: str, version: str) -> AsyncIterator[tuple[str, Body]]:
        """What happens to the objects of a kind after that version, until the API server ends the watch.

        Yields the type of each event and its object; a BOOKMARK's object has only a version. ExpiredError
        when the version is too old, UnavailableError when the connection breaks or goes silent.
        """
        request = self._http.build_request(
            "GET",
            kinds.collection(kind, kinds.scope(kind, namespace)),
            params={
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": version,
                "timeoutSeconds": str(_WATCH_SECONDS),
            },
            timeout=httpx2.Timeout(10.0, read=_WATCH_SILENCE_SECONDS),
        )
        try:
            response = await self._http.send(request, stream=True)
            try:
                if not response.is_success:
                    await response.aread()
                    raise error_in(response)
                async for line in response.aiter_lines():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise error_of(event["object"].get("code", 500), event["object"])
                    yield event["type"], event["object"]
            finally:
                await response.aclose()
        except httpx2.HTTPError as error:
            message = f"The watch of {kinds.PLURALS[kind]} broke: {error or type(error).__name__}"
            raise UnavailableError(message) from error

    async def create(self, body: Body) -> Body:
        """Create the object; AlreadyExistsError if there is one of that name, whatever it looks like."""
        return await self._send(
            "POST", kinds.collection_of(body), content=body, params={"fieldManager": self._field_manager}
        )

    async def apply(self, body: Body) -> Body:
        """Make the object's fields be what ``body`` says, and leave all others alone (server-side apply)."""
        return await self._apply(f"{kinds.collection_of(body)}/{body['metadata']['name']}", body)

    async def merge(self, kind: str, namespace: str, name: str, changes: Body) -> Body:
        """Change some fields of an object that exists (merge patch); NotFoundError if it doesn't."""
        return await self._send(
            "PATCH",
            f"{kinds.collection(kind, namespace)}/{name}",
            content=changes,
            params={"fieldManager": self._field_manager},
            headers={"Content-Type": "application/merge-patch+json"},
        )

    async def apply_status(
        self, of: Metadata, status: Mapping[str, Any], field_manager: str = "", *, kind: str = "Notebook"
    ) -> Body:
        """Write all that this field manager says in the status of one of our objects.

        ConflictError if it is another object of the same name.
        """
        body = {
            "apiVersion": api.API_VERSION,
            "kind": kind,
            "metadata": {"name": of.name, "namespace": of.namespace, "uid": of.uid},
            "status": status,
        }
        return await self._apply(f"{kinds.collection_of(body)}/{of.name}/status", body, field_manager)

    async def scale(self, namespace: str, deployment: str, replicas: int) -> None:
        """Say how many pods a Deployment should have."""
        await self._send(
            "PATCH",
            f"{kinds.collection('Deployment', namespace)}/{deployment}/scale",
            content={"spec": {"replicas": replicas}},
            params={"fieldManager": self._field_manager},
            headers={"Content-Type": "application/merge-patch+json"},
        )

    async def resize(self, pod: Body, container: str, resources: Mapping[str, Any]) -> Body:
        """Change CPU and memory of a running container in place; ConflictError if it is another pod of that name.

        ForbiddenError when the node has less in all, InvalidError when Kubernetes can't do that in place.
        """
        metadata = pod["metadata"]
        return await self._send(
            "PATCH",
            f"{kinds.collection_of(pod)}/{metadata['name']}/resize",
            content={
                "metadata": {"uid": metadata["uid"]},
                "spec": {"containers": [{"name": container, "resources": resources}]},
            },
            params={"fieldManager": self._field_manager},
            headers={"Content-Type": "application/strategic-merge-patch+json"},
        )

    async def expand(self, claim: Body, size: str) -> Body:
        """Ask for a larger volume; ConflictError if it is another claim of that name.

        ForbiddenError when its storage class, a quota or its being larger already forbids it.
        """
        metadata = claim["metadata"]
        changes = {
            "metadata": {"uid": metadata["uid"]},
            "spec": {"resources": {"requests": {"storage": size}}},
        }
        return await self.merge("PersistentVolumeClaim", metadata["namespace"], metadata["name"], changes)

    async def delete(self, body: Body) -> Body | None:
        """Delete exactly this object, not one of the same name that came after it; gone already is fine.

        Returns:
            The object on its way out, if it takes its time.
        """
        metadata = body["metadata"]
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": metadata["uid"]}}
        try:
            left = await self._send(
                "DELETE", f"{kinds.collection_of(body)}/{metadata['name']}", content=options
            )
        except (NotFoundError, ConflictError):
            return None
        return left if left["kind"] == body["kind"] else None

    async def _serves(self, api_version: str, kinds: AbstractSet[str]) -> bool:
        try:
            found = await self._send("GET", f"/apis/{api_version}")
        except NotFoundError:
            return False
        return {each["kind"] for each in found["resources"]} >= kinds

    async def _apply(self, path: str, body: Body, field_manager: str = "") -> Body:
        return await self._send(
            "PATCH",
            path,
            content=body,
            params={"fieldManager": field_manager or self._field_manager, "force": "true"},
            headers={"Content-Type": "application/apply-patch+yaml"},  # JSON is YAML
        )

    async def _send(
        self,
        method: str,
        path: str,
        *,
        content: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Body:
        try:
            response = await self._http.request(method, path, json=content, params=params, headers=headers)
        except httpx2.HTTPError as error:
            message = f"The API server can't be reached: {error or type(error).__name__}"
            raise UnavailableError(message) from error
        if response.is_success:
            body: Body = response.json()
            return body
        raise error_in(response)
