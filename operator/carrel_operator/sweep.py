"""After a watch was broken for so long that its past is lost, kopf lists the objects anew, but nobody tells of those
that were deleted meanwhile: they are found by comparing what is kept with what is there.
"""

import logging
from collections.abc import Callable, Collection

from carrel_operator.api import Body
from carrel_operator.cache import Cache
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import ClusterError
from carrel_operator.workqueue import RetryError

_KINDS = (
    "InstanceType",
    "NotebookImage",
    "Notebook",
    "Project",
    "Pod",
    "Service",
    "PersistentVolumeClaim",
    "ServiceAccount",
    "NetworkPolicy",
    "VolumeBackup",
    "VolumeRestore",
)

logger = logging.getLogger("carrel")


class Sweeper:
    """Forgets what is no longer there, and has what it concerns looked at again."""

    def __init__(
        self,
        cluster: Cluster,
        cache: Cache,
        namespace: str,
        wake: Callable[[Body], None],
        more_kinds: Collection[str] = (),
    ) -> None:
        self._kinds = (*_KINDS, *more_kinds)
        self._cluster = cluster
        self._cache = cache
        self._namespace = namespace
        self._wake = wake

    async def sweep(self, _: str) -> None:
        """Compare every kind.

        Raises:
            RetryError: the API server could not be asked.
        """
        for kind in self._kinds:
            try:
                names, version = await self._cluster.names(kind, self._namespace)
            except ClusterError as error:
                raise RetryError(error.message, error.retry_after) from error
            for body in self._cache.missing_from(kind, names, version):
                logger.info("%s %s: found gone after a break", kind, body["metadata"]["name"])
                self._cache.forget(body)
                self._wake(body)
