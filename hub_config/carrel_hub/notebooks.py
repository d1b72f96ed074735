"""The hub's whole business with the cluster: it writes Notebooks and their Secrets, and reads four kinds."""

import asyncio
import base64
import contextlib
import secrets
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from carrel_operator import names
from carrel_operator.api import (
    API_VERSION,
    NOTICE_ANNOTATION,
    REPAIR_ANNOTATION,
    RESIZED_BY_ANNOTATION,
    STARTED_BY_ANNOTATION,
    STOPPED_BECAUSE_ANNOTATION,
    STOPPED_BY_ANNOTATION,
    STOPPED_SESSION_ANNOTATION,
    Body,
    InstanceType,
    InvalidObjectError,
    Metadata,
    Notebook,
    NotebookImage,
    Project,
)
from carrel_operator.api.times import stamp
from carrel_operator.catalogue import Catalogue
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import ConflictError, NotFoundError, UnavailableError
from carrel_operator.mirror import ANY, Mirror

FIELD_MANAGER = "carrel-hub"

_MOST_GROUPS = 500  # as the CRD allows
_SESSION_BYTES = 8
_LONG_ENOUGH = 10.0


@dataclass(frozen=True, slots=True)
class Order:
    """What a start asks for."""

    owner: str
    server: str
    instance_type: str
    image: str
    groups: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    rescue: bool = False
    by: str = ""  # the person who asks
    session: str = field(default_factory=lambda: secrets.token_hex(_SESSION_BYTES))


class Notebooks:
    """Every Notebook, size, image and project of a release, and the few things the hub does to a Notebook."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self._notebooks = Mirror(cluster, "Notebook", namespace, Notebook.parse)
        self._sizes = Mirror(cluster, "InstanceType", namespace, InstanceType.parse)
        self._images = Mirror(cluster, "NotebookImage", namespace, NotebookImage.parse)
        self._projects = Mirror(cluster, "Project", namespace, Project.parse)
        self._mirrors = (self._notebooks, self._sizes, self._images, self._projects)
        self._said: dict[str, str] = {}

    def open(self) -> None:
        """Begin to watch."""
        for mirror in self._mirrors:
            mirror.open()

    async def close(self) -> None:
        """Let go of the cluster."""
        for mirror in self._mirrors:
            await mirror.close()
        await self._cluster.close()

    @property
    def namespace(self) -> str:
        """Where all of them are."""
        return self._namespace

    @property
    def ending(self) -> bool:
        """Whether the hub itself ends, and everything in it."""
        return self._notebooks.ending

    @property
    def fresh(self) -> bool:
        """Whether what is known here is what the cluster knows, give or take a moment."""
        return self._notebooks.fresh

    async def all(self) -> Iterator[Notebook]:
        """Every Notebook, once all were seen."""
        await self._notebooks.listed()
        return self._notebooks.values()

    async def all_projects(self) -> Iterator[Project]:
        """Every Project, once all were seen."""
        await self._projects.listed()
        return self._projects.values()

    @property
    def projects(self) -> Iterator[Project]:
        """Every Project that is known by now."""
        return self._projects.values()

    def project(self, name: str) -> Project | None:
        """One Project; the empty name is none."""
        return self._projects.get(name)

    def groups_matter(self) -> bool:
        """Whether anything here is decided by groups: who belongs to a project, or who may have a size or an image."""
        kinds = (self._sizes.values(), self._images.values())
        reserved = any(each.allowed_groups for values in kinds for each in values)
        return reserved or any(each.group for project in self.projects for each in project.members)

    def tell_of_projects(self, heard: Callable[[], None]) -> None:
        """Have ``heard`` called after each change of a Project."""
        self._projects.tell(heard)

    async def catalogue(self) -> Catalogue:
        """The sizes and images there are; UnavailableError when they can't be read."""
        try:
            async with asyncio.timeout(_LONG_ENOUGH):
                await self._sizes.listed()
                await self._images.listed()
        except TimeoutError as error:
            raise UnavailableError("The sizes and images can't be read from the API server.") from error
        return Catalogue(
            instance_types={each.name: each for each in self._sizes.values()},
            images={each.name: each for each in self._images.values()},
        )

    async def get(self, name: str) -> Notebook | None:
        """One Notebook; asked of the API server when the watch is broken. ClusterError if that fails too."""
        if self._notebooks.fresh:
            return self._notebooks.get(name)
        try:
            return Notebook.parse(await self._cluster.get("Notebook", self._namespace, name))
        except (NotFoundError, InvalidObjectError):
            return None

    def changes(
        self, name: str, until: asyncio.Future[None] | None = None
    ) -> AsyncGenerator[Notebook | None]:
        """One Notebook as it is now, and again after each change, until ``until`` is done."""
        return self._notebooks.changes(name, until)

    @contextmanager
    def heard(self, changed: asyncio.Event, names: Collection[str] = (ANY,)) -> Iterator[None]:
        """Set the event when one of these Notebooks changes, or what can be chosen for it."""
        with (
            self._notebooks.heard(changed, names),
            self._sizes.heard(changed),
            self._images.heard(changed),
            self._projects.heard(changed),
        ):
            yield

    def known(self, name: str) -> Notebook | None:
        """One Notebook as it was seen last."""
        return self._notebooks.get(name)

    def seen(self) -> Iterator[Notebook]:
        """Every Notebook as it was seen last."""
        return self._notebooks.values()

    def say(self, name: str, sentence: str) -> None:
        """Keep, for the pages, why a start failed or a server ended; its next start forgets it."""
        if self._said.get(name, "") != sentence:
            self._said[name] = sentence
            self._notebooks.wake(name)

    def said(self, name: str) -> str:
        """What was said last."""
        return self._said.get(name, "")

    async def start(self, order: Order) -> Notebook:
        """Ask for a server; the answer is the Notebook as written. ClusterError says what stood in the way.

        The Secret must be there before the pod, and belongs to the Notebook so that it goes with it: so a
        Notebook that never existed is made stopped first.
        """
        name = names.notebook(order.owner, order.server)
        self._said.pop(name, None)
        known = await self.get(name)
        uid = known.metadata.uid if known else ""
        if not uid:
            uid = _uid(await self._cluster.apply(notebook(order, self._namespace, running=False)))
        await self._cluster.apply(environment_secret(order, self._namespace, uid))
        body = await self._cluster.apply(notebook(order, self._namespace, running=True))
        if _uid(body) != uid:  # deleted and made again meanwhile: a Secret of the old one would go with it
            await self._cluster.apply(environment_secret(order, self._namespace, _uid(body)))
        self._notebooks.see(body)
        return Notebook.parse(body)

    async def stop(self, name: str, by: str = "") -> Notebook | None:
        """Ask for the server to be stopped; None when there is no such Notebook."""
        changes = {"spec": {"running": False}, **_said(STOPPED_BY_ANNOTATION, by)}
        try:
            body = await self._cluster.merge("Notebook", self._namespace, name, changes)
        except NotFoundError:
            return None
        self._notebooks.see(body)
        return Notebook.parse(body)

    async def stop_by_itself(self, notebook: Notebook, because: str) -> bool:
        """Ask for a stop that nobody has pressed a button for; False if anything about the Notebook has changed."""
        metadata = notebook.metadata
        annotations = {
            STOPPED_SESSION_ANNOTATION: notebook.session,
            STOPPED_BECAUSE_ANNOTATION: because,
        }
        changes = {
            "metadata": {"resourceVersion": metadata.version, "annotations": annotations},
            "spec": {"running": False},
        }
        try:
            body = await self._cluster.merge("Notebook", self._namespace, notebook.name, changes)
        except (NotFoundError, ConflictError):
            return False
        self._notebooks.see(body)
        return True

    async def repair(self, project: Project, request: str) -> None:
        """Ask for a project's files to be mended; the request is told from others by its text."""
        annotations = {"metadata": {"annotations": {REPAIR_ANNOTATION: request}}}
        self._projects.see(await self._cluster.merge("Project", self._namespace, project.name, annotations))

    async def keep(self, name: str, until: datetime | None, asked_at: datetime) -> None:
        """Ask that the server be kept, or no longer; nothing when there is no such Notebook yet."""
        spec = {
            "keepUntil": stamp(until) if until else None,
            "keepAskedAt": stamp(asked_at) if until else None,
        }
        with contextlib.suppress(NotFoundError):
            self._notebooks.see(await self._cluster.merge("Notebook", self._namespace, name, {"spec": spec}))

    async def tell_activity(self, notebook: Notebook) -> None:
        """Write whether something runs in the server."""
        if notebook.activity:
            await self.report(notebook, "activity", {"activity": notebook.activity.body()})

    async def resize(self, name: str, instance_type: str, by: str = "") -> None:
        """Ask for another size of a server that may run; nothing when there is no such Notebook yet."""
        changes = {"spec": {"instanceType": instance_type}, **_said(RESIZED_BY_ANNOTATION, by)}
        with contextlib.suppress(NotFoundError):
            self._notebooks.see(await self._cluster.merge("Notebook", self._namespace, name, changes))

    async def regroup(self, name: str, groups: Collection[str]) -> None:
        """Say in which groups the owner is now, if that is not what the Notebook says."""
        known, wanted = await self.get(name), _listed(groups)
        if known is None or known.owner_groups == frozenset(wanted):
            return
        spec = {"spec": {"ownerGroups": wanted}}
        with contextlib.suppress(NotFoundError):
            self._notebooks.see(await self._cluster.merge("Notebook", self._namespace, name, spec))

    async def restart(self, name: str, why: str) -> None:
        """Have the server that runs made anew at the same address, and people told why; its kernels end."""
        session = secrets.token_hex(_SESSION_BYTES)
        # the session before the sentence: at a later start, which is another session, it is old news
        changes = {"spec": {"session": session}, **_said(NOTICE_ANNOTATION, f"{session} {why}")}
        with contextlib.suppress(NotFoundError):
            self._notebooks.see(await self._cluster.merge("Notebook", self._namespace, name, changes))

    async def report(self, notebook: Notebook, topic: str, status: Body) -> None:
        """Write what a server says of itself; each topic has an owner of its own, so none takes another's fields."""
        with contextlib.suppress(NotFoundError, ConflictError):
            manager = f"{FIELD_MANAGER}-{topic}"
            self._notebooks.see(await self._cluster.apply_status(notebook.metadata, status, manager))

    async def look_at(self, kind: str, name: str) -> Body | None:
        """An object that the hub does not watch; None when it is not there. ClusterError says why it can't be read."""
        try:
            return await self._cluster.get(kind, self._namespace, name)
        except NotFoundError:
            return None

    async def issuer(self) -> str:
        """Who signs the tokens of this cluster."""
        return await self._cluster.issuer()

    async def event(self, notebook: Notebook, reason: str, message: str) -> None:
        """Tell everybody who looks at the Notebook with kubectl."""
        metadata, now = notebook.metadata, stamp(datetime.now(UTC))
        await self._cluster.create(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"generateName": f"{metadata.name}.", "namespace": self._namespace},
                "involvedObject": _reference(metadata)["metadata"]
                | {"apiVersion": API_VERSION, "kind": "Notebook"},
                "reason": reason,
                "message": message,
                "type": "Warning",
                "source": {"component": FIELD_MANAGER},
                "firstTimestamp": now,
                "lastTimestamp": now,
                "count": 1,
            }
        )

    async def delete(self, name: str) -> None:
        """Remove a Notebook and all that belongs to it; the person's home stays."""
        found = await self.get(name)
        if found:
            await self._cluster.delete(_reference(found.metadata))


@cache
def shared(namespace: str) -> Notebooks:
    """The one view that all spawners of a hub share; the first who asks opens it."""
    notebooks = Notebooks(Cluster.connect(FIELD_MANAGER), namespace)
    notebooks.open()
    return notebooks


def notebook(order: Order, namespace: str, *, running: bool) -> dict[str, Any]:
    """The Notebook that an order asks for."""
    name, project = names.notebook(order.owner, order.server), names.project_of(order.owner)
    return {
        "apiVersion": API_VERSION,
        "kind": "Notebook",
        "metadata": {"name": name, "namespace": namespace}
        | _said(STARTED_BY_ANNOTATION, order.by).get("metadata", {}),
        "spec": {
            "owner": order.owner,
            **({"project": project} if project else {"ownerGroups": _listed(order.groups)}),
            "server": order.server,
            "session": order.session,
            "running": running,
            "instanceType": order.instance_type,
            "image": order.image,
            "environmentSecret": names.environment_secret(name),
            **({"rescue": True} if order.rescue else {}),
        },
    }


def environment_secret(order: Order, namespace: str, uid: str) -> dict[str, Any]:
    """The Secret with which JupyterHub speaks to the server it starts; it goes when the Notebook goes."""
    name = names.notebook(order.owner, order.server)
    owner = {"apiVersion": API_VERSION, "kind": "Notebook", "name": name, "uid": uid, "controller": False}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": names.environment_secret(name),
            "namespace": namespace,
            "ownerReferences": [owner],
        },
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in order.environment.items()},
    }


def _reference(metadata: Metadata) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "Notebook",
        "metadata": {"name": metadata.name, "namespace": metadata.namespace, "uid": metadata.uid},
    }


def _listed(groups: Collection[str]) -> list[str]:
    """As the CRD takes them."""
    return sorted(set(groups))[:_MOST_GROUPS]


def _said(annotation: str, text: str) -> dict[str, Any]:
    """An annotation, as part of an object; nothing where there is nothing to say."""
    return {"metadata": {"annotations": {annotation: text}}} if text else {}


def _uid(body: Body) -> str:
    uid: str = body["metadata"]["uid"]
    return uid
