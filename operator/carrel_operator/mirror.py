"""All objects of one kind, kept in memory by one endless watch."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from carrel_operator.api import Body, InvalidObjectError
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import ClusterError, ExpiredError

log = logging.getLogger(__name__)

T = TypeVar("T")

ANY = ""  # instead of a name, which is never empty

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    version: int
    value: T


class Mirror(Generic[T]):
    """The newest known version of every object of a kind, parsed.

    Versions only grow (they are comparable numbers since Kubernetes 1.35), so an older one never replaces a
    newer one, whether the watch or the answer to a write of our own brings it.
    """

    def __init__(self, cluster: Cluster, kind: str, namespace: str, parse: Callable[[Body], T]) -> None:
        self._cluster, self._kind, self._namespace, self._parse = cluster, kind, namespace, parse
        self._entries: dict[str, _Entry[T]] = {}
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._told_of_all: list[Callable[[], None]] = []
        self._listed = asyncio.Event()
        self._fresh = False
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to watch; it goes on for ever, whatever happens to the connection."""
        self._task = asyncio.create_task(self._keep(), name=f"watch of {self._kind}")

    async def close(self) -> None:
        """Stop watching."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def ending(self) -> bool:
        """Whether the watch was told to end, as only the end of the hub itself does."""
        return self._task is not None and (self._task.done() or self._task.cancelling() > 0)

    @property
    def fresh(self) -> bool:
        """Whether what is known here is what the cluster knows, give or take a moment."""
        return self._fresh

    async def listed(self) -> None:
        """Wait until everything was seen once."""
        await self._listed.wait()

    def get(self, name: str) -> T | None:
        """The object of that name."""
        entry = self._entries.get(name)
        return entry.value if entry else None

    def values(self) -> Iterator[T]:
        """All objects."""
        return iter([entry.value for entry in self._entries.values()])

    async def changes(self, name: str, until: asyncio.Future[None] | None = None) -> AsyncGenerator[T | None]:
        """The object as it is now, and again after each change; None while there is none.

        Ends with ``until``, and needs no task for that: JupyterHub cancels such a generator at about the same
        moment, and a cancellation taken for the end of a task would be lost.
        """
        changed = asyncio.Event()

        def wake(_: object) -> None:
            changed.set()

        if until:
            until.add_done_callback(wake)
        try:
            with self.heard(changed, (name,)):
                while until is None or not until.done():
                    changed.clear()
                    yield self.get(name)
                    await changed.wait()
        finally:
            if until:
                until.remove_done_callback(wake)

    @contextmanager
    def heard(self, changed: asyncio.Event, names: Collection[str] = (ANY,)) -> Iterator[None]:
        """Set the event at every change of an object of these names."""
        for name in names:
            self._listeners.setdefault(name, set()).add(changed)
        try:
            yield
        finally:
            for name in names:
                self._listeners[name].discard(changed)
                if not self._listeners[name]:
                    del self._listeners[name]

    def tell(self, heard: Callable[[], None]) -> None:
        """Have ``heard`` called after each change of any object, for ever."""
        self._told_of_all.append(heard)

    def see(self, body: Body) -> T | None:
        """Take in a version of an object, unless a newer one is known; None if it can't be read."""
        name, version = body["metadata"]["name"], int(body["metadata"]["resourceVersion"])
        known = self._entries.get(name)
        if known and known.version >= version:
            return known.value
        try:
            value = self._parse(body)
        except InvalidObjectError as error:
            log.warning("%s '%s' can't be read: %s", self._kind, name, error)
            self._forget(name)
            return None
        self._entries[name] = _Entry(version, value)
        self.wake(name)
        return value

    def forget(self, name: str, version: int) -> None:
        """Take in the end of an object, unless a newer one of that name is known."""
        known = self._entries.get(name)
        if known and known.version <= version:
            self._forget(name)

    async def _keep(self) -> None:
        pause, version = _FIRST_PAUSE, ""
        while True:
            try:
                if not version:
                    version = await self._list()
                    pause = _FIRST_PAUSE
                async for event, body in self._cluster.watch(self._kind, self._namespace, version):
                    self._take(event, body)
                    version = body["metadata"]["resourceVersion"]
                await asyncio.sleep(_FIRST_PAUSE)  # a watch that ends at once must not become a busy loop
                continue
            except ExpiredError:
                version = ""
                continue
            except ClusterError as error:
                log.warning("%s; trying again in %.1f s.", error, pause)
            except Exception:
                log.exception("The watch of %s broke; trying again in %.1f s.", self._kind, pause)
            self._fresh, version = False, ""
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads hubs, keeps no secret
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _list(self) -> str:
        bodies, version = await self._cluster.list(self._kind, self._namespace)
        for body in bodies:
            self.see(body)
        for name in self._entries.keys() - {body["metadata"]["name"] for body in bodies}:
            self.forget(name, int(version))
        self._fresh = True
        self._listed.set()
        return version

    def _take(self, event: str, body: Body) -> None:
        if event in {"ADDED", "MODIFIED"}:
            self.see(body)
        elif event == "DELETED":
            self.forget(body["metadata"]["name"], int(body["metadata"]["resourceVersion"]))

    def _forget(self, name: str) -> None:
        if self._entries.pop(name, None):
            self.wake(name)

    def wake(self, name: str) -> None:
        """Wake whoever listens to that name, because something that is shown beside the object has changed."""
        for changed in (*self._listeners.get(name, ()), *self._listeners.get(ANY, ())):
            changed.set()
        for heard in self._told_of_all:
            heard()
