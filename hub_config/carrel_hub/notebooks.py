"""What the hub does to the cluster: it writes Notebooks and their Secrets, and asks for a project's repair."""

import contextlib
from collections.abc import Collection
from datetime import UTC, datetime
from functools import cache

from carrel_hub import bodies
from carrel_hub.bodies import FIELD_MANAGER, annotated
from carrel_hub.cluster_view import ClusterView
from carrel_hub.order import Order, new_session
from carrel_operator import names
from carrel_operator.api import (
    NOTICE_ANNOTATION,
    REPAIR_ANNOTATION,
    RESIZED_BY_ANNOTATION,
    STOPPED_BECAUSE_ANNOTATION,
    STOPPED_BY_ANNOTATION,
    STOPPED_SESSION_ANNOTATION,
    Body,
    Notebook,
    Project,
)
from carrel_operator.api.times import stamp
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import ConflictError, NotFoundError


class Notebooks:
    """The few things the hub does to a Notebook; ``view`` is what it knows of all of them."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self.view = ClusterView(cluster, namespace)
        self._said: dict[str, str] = {}

    def open(self) -> None:
        """Begin to watch."""
        self.view.open()

    async def close(self) -> None:
        """Let go of the cluster."""
        await self.view.close()
        await self._cluster.close()

    def say(self, name: str, sentence: str) -> None:
        """Keep, for the pages, why a start failed or a server ended; its next start forgets it."""
        if self._said.get(name, "") != sentence:
            self._said[name] = sentence
            self.view.wake(name)

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
        known = await self.view.get(name)
        uid = known.metadata.uid if known else ""
        if not uid:
            uid = _uid(await self._cluster.apply(bodies.notebook(order, self._namespace, running=False)))
        await self._cluster.apply(bodies.environment_secret(order, self._namespace, uid))
        body = await self._cluster.apply(bodies.notebook(order, self._namespace, running=True))
        if _uid(body) != uid:  # deleted and made again meanwhile: a Secret of the old one would go with it
            await self._cluster.apply(bodies.environment_secret(order, self._namespace, _uid(body)))
        self.view.see(body)
        return Notebook.parse(body)

    async def stop(self, name: str, by: str = "") -> Notebook | None:
        """Ask for the server to be stopped; None when there is no such Notebook."""
        changes = {"spec": {"running": False}, **annotated(STOPPED_BY_ANNOTATION, by)}
        try:
            body = await self._cluster.merge("Notebook", self._namespace, name, changes)
        except NotFoundError:
            return None
        self.view.see(body)
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
        self.view.see(body)
        return True

    async def repair(self, project: Project, request: str) -> None:
        """Ask for a project's files to be mended; the request is told from others by its text."""
        annotations = {"metadata": {"annotations": {REPAIR_ANNOTATION: request}}}
        self.view.see_project(
            await self._cluster.merge("Project", self._namespace, project.name, annotations)
        )

    async def keep(self, name: str, until: datetime | None, asked_at: datetime) -> None:
        """Ask that the server be kept, or no longer; nothing when there is no such Notebook yet."""
        spec = {
            "keepUntil": stamp(until) if until else None,
            "keepAskedAt": stamp(asked_at) if until else None,
        }
        with contextlib.suppress(NotFoundError):
            self.view.see(await self._cluster.merge("Notebook", self._namespace, name, {"spec": spec}))

    async def tell_activity(self, notebook: Notebook) -> None:
        """Write whether something runs in the server."""
        if notebook.activity:
            await self.report(notebook, "activity", {"activity": notebook.activity.body()})

    async def resize(self, name: str, instance_type: str, by: str = "") -> None:
        """Ask for another size of a server that may run; nothing when there is no such Notebook yet."""
        changes = {"spec": {"instanceType": instance_type}, **annotated(RESIZED_BY_ANNOTATION, by)}
        with contextlib.suppress(NotFoundError):
            self.view.see(await self._cluster.merge("Notebook", self._namespace, name, changes))

    async def regroup(self, name: str, groups: Collection[str]) -> None:
        """Say in which groups the owner is now, if that is not what the Notebook says."""
        known, wanted = await self.view.get(name), bodies.listed(groups)
        if known is None or known.owner_groups == frozenset(wanted):
            return
        spec = {"spec": {"ownerGroups": wanted}}
        with contextlib.suppress(NotFoundError):
            self.view.see(await self._cluster.merge("Notebook", self._namespace, name, spec))

    async def restart(self, name: str, why: str) -> None:
        """Have the server that runs made anew at the same address, and people told why; its kernels end."""
        session = new_session()
        # the session before the sentence: at a later start, which is another session, it is old news
        changes = {"spec": {"session": session}, **annotated(NOTICE_ANNOTATION, f"{session} {why}")}
        with contextlib.suppress(NotFoundError):
            self.view.see(await self._cluster.merge("Notebook", self._namespace, name, changes))

    async def report(self, notebook: Notebook, topic: str, status: Body) -> None:
        """Write what a server says of itself; each topic has an owner of its own, so none takes another's fields."""
        with contextlib.suppress(NotFoundError, ConflictError):
            manager = f"{FIELD_MANAGER}-{topic}"
            self.view.see(await self._cluster.apply_status(notebook.metadata, status, manager))

    async def event(self, notebook: Notebook, reason: str, message: str) -> None:
        """Tell everybody who looks at the Notebook with kubectl."""
        now = datetime.now(UTC)
        await self._cluster.create(bodies.event(notebook.metadata, self._namespace, reason, message, now))

    async def delete(self, name: str) -> None:
        """Remove a Notebook and all that belongs to it; the person's home stays."""
        found = await self.view.get(name)
        if found:
            await self._cluster.delete(bodies.reference(found.metadata))


@cache
def shared(namespace: str) -> Notebooks:
    """The one that all spawners of a hub share; the first who asks opens it."""
    notebooks = Notebooks(Cluster.connect(FIELD_MANAGER), namespace)
    notebooks.open()
    return notebooks


def _uid(body: Body) -> str:
    uid: str = body["metadata"]["uid"]
    return uid
