"""Keeps the numbers of people and projects in one ConfigMap, which every server shows as names."""

import asyncio
import logging
from collections.abc import Callable

from carrel_operator.accounts import ACCOUNTS, Accounts
from carrel_operator.cache import Cache
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import AlreadyExistsError, ConflictError, NotFoundError

logger = logging.getLogger("carrel")

_KIND = "ConfigMap"
_ATTEMPTS = 5


class Registry:
    """Gives numbers; whoever else writes the ConfigMap at the same time is seen by its version, and nothing is lost."""

    def __init__(self, cluster: Cluster, cache: Cache, namespace: str) -> None:
        self._cluster = cluster
        self._cache = cache
        self._namespace = namespace
        self._version: str | None = None  # None: not read yet, or not there
        self._one_at_a_time = asyncio.Lock()

    async def give(self, with_number: Callable[[Accounts], Accounts]) -> None:
        """Add to the registry what is not in it yet.

        Raises:
            ClusterError: Kubernetes can't answer now.
            AccountsError: the registry is spoilt or full.
        """
        async with self._one_at_a_time:
            for _ in range(_ATTEMPTS):
                if self._version is None:
                    await self._read()
                wanted = with_number(self._cache.accounts)
                if wanted == self._cache.accounts:
                    return
                try:
                    await self._write(wanted)
                except (ConflictError, AlreadyExistsError, NotFoundError):
                    self._version = None
                else:
                    return
        message = "The registry of numbers is being changed by somebody else all the time."
        raise ConflictError(message)

    async def read(self) -> None:
        """Have the numbers that were given so far, if nobody has needed them yet; the errors are those of ``give``."""
        await self.give(lambda known: known)

    async def _read(self) -> None:
        try:
            found = await self._cluster.get(_KIND, self._namespace, ACCOUNTS)
        except NotFoundError:
            return  # what is known from before is written anew
        self._cache.accounts = Accounts.parse(found.get("data", {}))
        self._version = found["metadata"]["resourceVersion"]

    async def _write(self, wanted: Accounts) -> None:
        if self._version is None:
            metadata = {"name": ACCOUNTS, "namespace": self._namespace}
            body = {"apiVersion": "v1", "kind": _KIND, "metadata": metadata, "data": wanted.data()}
            written = await self._cluster.create(body)
        else:
            changes = {"metadata": {"resourceVersion": self._version}, "data": wanted.data()}
            written = await self._cluster.merge(_KIND, self._namespace, ACCOUNTS, changes)
        self._cache.accounts = wanted
        self._version = written["metadata"]["resourceVersion"]
        logger.info("accounts: %d people, %d projects", len(wanted.people), len(wanted.projects))
