"""Asks Kubernetes for larger volumes, each size once: what was refused is not asked again for the same reason."""

import logging
from dataclasses import dataclass

from carrel_operator.api import Body
from carrel_operator.cache import Cache
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import (
    ClusterError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from carrel_operator.places import Key
from carrel_operator.quantities import memory

logger = logging.getLogger("carrel")

_NOT_EXPANDABLE = "must support resize"


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Kubernetes' no to one question."""

    claim: str
    size: str
    occasion: str
    why: str


class Expander:
    """Keeps what may not be read from the objects themselves: what Kubernetes said no to, and why."""

    def __init__(self, cluster: Cluster, cache: Cache) -> None:
        self._cluster = cluster
        self._cache = cache
        self._refusals: dict[Key, _Refusal] = {}

    async def expand(self, key: Key, claim: Body | None, size: str | None, occasion: str) -> None:
        """Ask for the size unless it was refused on the same occasion, such as one start of a server.

        Raises:
            ClusterError: Kubernetes can't answer now.
        """
        if claim is None or size is None:
            self.forget(key)
            return
        question = (claim["metadata"]["uid"], size, occasion)
        refused = self._refusals.get(key)
        if refused and question == (refused.claim, refused.size, refused.occasion):
            return
        self.forget(key)
        logger.info("%s: asks for %s for its volume", key, size)
        try:
            self._cache.see(await self._cluster.expand(claim, size), ours=True)
        except (ConflictError, NotFoundError):
            return  # the claim is another one by now, and its watch wakes us
        except (ForbiddenError, InvalidError) as error:
            self._refusals[key] = _Refusal(*question, _reason(error))

    def refusal(self, key: Key) -> str | None:
        """Half a sentence about what was refused and why, for as long as it is wanted."""
        refused = self._refusals.get(key)
        return f"it can't grow to {memory(refused.size)}: {refused.why}" if refused else None

    def forget(self, key: Key) -> None:
        """Nothing is asked for any more."""
        self._refusals.pop(key, None)


def _reason(error: ClusterError) -> str:
    if _NOT_EXPANDABLE in error.message:
        return "its storage class does not let volumes grow"
    used_up = error.message.partition("exceeded quota: ")[2]
    return f"the quota for storage is used up ({used_up})" if used_up else f"Kubernetes says: {error.message}"
