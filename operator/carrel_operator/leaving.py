"""The operator goes for good: what it granted is taken back now, because a finalizer that nobody answers blocks for ever."""

import asyncio
import logging
from typing import Protocol

from carrel_operator import project_view
from carrel_operator.cache import Cache
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import ClusterError
from carrel_operator.places import Key

logger = logging.getLogger("carrel")


class Leaves(Protocol):
    """Whoever takes back what one Project has."""

    async def leave(self, key: Key) -> None: ...  # noqa: D102


async def namespace_goes(cluster: Cluster, namespace: str) -> bool:
    """Whether our own namespace is being deleted; its pods go first, while our rights are still there."""
    try:
        found = await cluster.get("Namespace", "", namespace)
    except ClusterError as error:
        logger.warning("The namespace could not be looked at: %s", error)
        return False
    return "deletionTimestamp" in found["metadata"]


async def take_leave(grants: Leaves, cache: Cache, seconds: float) -> None:
    """Let go of every Project, within so many seconds; what the warehouse did not take back is in the log."""

    async def let_go(key: Key) -> None:
        try:
            await grants.leave(key)
        except ClusterError as error:
            logger.warning("project %s keeps its finalizer: %s", key, error)

    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(*map(let_go, project_view.held(cache)))
    except TimeoutError:
        for key in project_view.held(cache):
            logger.warning("project %s keeps its finalizer: the time was up", key)
