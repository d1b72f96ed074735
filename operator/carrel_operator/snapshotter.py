"""Has the storage make snapshots of volumes, and let go of them."""

import logging

from carrel_operator.api import Body
from carrel_operator.backup_seen import VolumeSeen
from carrel_operator.cache import Cache
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import NotFoundError
from carrel_operator.desired.snapshot import snapshot_class
from carrel_operator.settings import Settings
from carrel_operator.snapshot_seen import SnapshotSeen

logger = logging.getLogger("carrel")


class Snapshotter:
    """Snapshots of volumes, in a cluster that may have none."""

    def __init__(self, cluster: Cluster, cache: Cache, settings: Settings) -> None:
        self._cluster = cluster
        self._cache = cache
        self._settings = settings

    async def class_of(self, volume: VolumeSeen) -> str | None:
        """The VolumeSnapshotClass for a volume; None when its storage has none.

        Raises:
            ClusterError: Kubernetes can't answer now.
        """
        storage = volume.claim["spec"].get("storageClassName")
        if not self._settings.backup.uses_snapshots or not storage:
            return None
        try:
            provisioner = (await self._cluster.get("StorageClass", "", storage))["provisioner"]
            classes, _ = await self._cluster.list("VolumeSnapshotClass", "")
        except NotFoundError:  # the class was deleted after the volume was made, or the kind just now
            return None
        return snapshot_class(provisioner, classes)

    async def make(self, body: Body) -> None:
        """Ask for a snapshot; ClusterError when it is refused."""
        self._cache.see(await self._cluster.create(body), ours=True)

    async def let_go(self, snapshot: SnapshotSeen) -> None:
        """Have a snapshot deleted, and with it what the storage keeps; ClusterError when it is refused."""
        logger.info("%s: is let go of", snapshot.name)
        if left := await self._cluster.delete(snapshot.body):
            self._cache.see(left, ours=True)
        else:
            self._cache.forget(snapshot.body)
