"""The one path from what is seen of a volume and its backups to what should be."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from carrel_operator import api, backup_view, notebook_view
from carrel_operator.accounts import AccountsError
from carrel_operator.api import BackupStatus, Body, VolumeBackup
from carrel_operator.backup_outcome import backup_status, snapshot_status, wait_for
from carrel_operator.backup_seen import BackupSeen
from carrel_operator.cache import Cache
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import AlreadyExistsError, ClusterError
from carrel_operator.desired.backup import LONGEST_REST, due
from carrel_operator.desired.backup_pods import backup_pod
from carrel_operator.desired.image_change import waits_for_backup
from carrel_operator.desired.snapshot import expired, volume_snapshot
from carrel_operator.places import Key
from carrel_operator.registry import Registry
from carrel_operator.settings import Settings
from carrel_operator.snapshot_seen import SnapshotSeen
from carrel_operator.snapshotter import Snapshotter
from carrel_operator.workqueue import RetryError

logger = logging.getLogger("carrel")


class BackupReconciler:
    """Has each volume backed up when it is due, a few at a time, and keeps what became of it."""

    def __init__(
        self,
        cluster: Cluster,
        cache: Cache,
        settings: Settings,
        registry: Registry,
        wake: Callable[[Key], None],
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._settings = settings
        self._registry = registry
        self._snapshotter = Snapshotter(cluster, cache, settings)
        self._at_work: set[Key] = set()
        self._in_line: dict[Key, None] = {}  # an ordered set
        self._wake = wake  # has a claim looked at again

    async def reconcile(self, key: Key) -> float | None:
        """Reconcile the backups of one claim; the result is the seconds after which it is worth another look.

        Raises:
            RetryError: Kubernetes refused something.
        """
        try:
            return await self._reconcile(key)
        except ClusterError as error:
            raise RetryError(error.message, error.retry_after) from error
        except AccountsError as error:
            raise RetryError(str(error)) from error

    async def _reconcile(self, key: Key) -> float | None:
        if not self._settings.backup.enabled:
            return None
        await self._registry.read()
        seen = backup_view.backup_seen(self._cache, key)
        if seen is None:
            self._let_go(key)
            # the home of a project's server counts again when the project is given its former number
            claim = self._cache.body("PersistentVolumeClaim", key.namespace, key.name)
            return LONGEST_REST if claim else None
        if seen.pod is not None:
            return await self._follow(key, seen, seen.pod)
        if seen.being_made is not None:
            return await self._follow_snapshot(key, seen, seen.being_made)
        self._let_go(key)
        return await self._begin_in_time(key, seen)

    async def _begin_in_time(self, key: Key, seen: BackupSeen) -> float | None:
        now = datetime.now(UTC)
        found = due(self._with_start(seen, key), self._settings.backup, now)
        if not found.now:
            return found.again_in
        if not found.urgent and len(self._at_work) >= self._settings.backup.concurrency:
            self._in_line[key] = None
            return None
        self._in_line.pop(key, None)
        self._at_work.add(key)
        await self._begin(key, self._with_start(seen, key), now)
        return None

    async def _begin(self, key: Key, seen: BackupSeen, now: datetime) -> None:
        if class_name := await self._snapshotter.class_of(seen.volume):
            logger.info("%s: the storage makes a snapshot", key)
            await self._snapshotter.make(volume_snapshot(seen, class_name, now))
            return
        logger.info("%s: is backed up", key)
        self._cache.see(await self._cluster.create(backup_pod(seen, self._settings, now)), ours=True)

    def _with_start(self, seen: BackupSeen, key: Key) -> BackupSeen:
        """The same, with the session of a start that waits for it."""
        servers = notebook_view.servers_of(self._cache, key.namespace, seen.volume.whose.owner)
        for server in servers if seen.volume.whose.owner else ():
            notebook = notebook_view.seen(self._cache, server)
            if notebook and waits_for_backup(notebook, self._settings):
                return replace(seen, start=notebook.notebook.session)
        return seen

    async def _follow(self, key: Key, seen: BackupSeen, pod: Body) -> float | None:
        """Wait for the pod to end; then keep what it tells, and after that remove it."""
        self._at_work.add(key)
        if wait := wait_for(pod, seen.pod_age):
            return wait.again_in
        if "deletionTimestamp" not in pod["metadata"]:
            backup = seen.backup or await self._made(seen)
            status = backup_status(backup.status, pod)
            await self._tell(backup, status)
            logger.info("%s: %s", key, status.message)
            if left := await self._cluster.delete(pod):
                self._cache.see(left, ours=True)
        return None

    async def _follow_snapshot(self, key: Key, seen: BackupSeen, made: SnapshotSeen) -> float | None:
        """Wait for the snapshot to be ready; then let go of older ones, and keep what there is.

        In this order: what is not listed yet and ready is a new backup, also to an operator that comes back.
        """
        self._at_work.add(key)
        if not made.ready and made.patience:
            return made.patience
        backup = seen.backup or await self._made(seen)
        leaving = expired(seen.snapshots, made, self._settings.backup) if made.ready else [made]
        status = snapshot_status(backup.status, made, leaving, seen.snapshots)
        for each in leaving:
            await self._snapshotter.let_go(each)
        await self._tell(backup, status)
        logger.info("%s: %s", key, status.message)
        return 0.0

    async def _made(self, seen: BackupSeen) -> VolumeBackup:
        """The object that holds what is known of the backups; it is made with the first of them."""
        volume, namespace = seen.volume, seen.volume.claim["metadata"]["namespace"]
        body = {
            "apiVersion": api.API_VERSION,
            "kind": "VolumeBackup",
            "metadata": {"name": volume.repository, "namespace": namespace},
            "spec": {**volume.whose.body(), "claim": volume.name},
        }
        try:
            made = await self._cluster.create(body)
        except AlreadyExistsError:
            made = await self._cluster.get("VolumeBackup", namespace, volume.repository)
        self._cache.see(made, ours=True)
        return VolumeBackup.parse(made)

    async def _tell(self, backup: VolumeBackup, status: BackupStatus) -> None:
        if backup.status.body() == status.body():
            return
        written = await self._cluster.apply_status(backup.metadata, status.body(), kind="VolumeBackup")
        self._cache.see(written)  # not as ours: the echo wakes the servers that wait for it

    def _let_go(self, key: Key) -> None:
        """This claim's backup is over; the next in line may begin."""
        self._at_work.discard(key)
        while self._in_line and len(self._at_work) < self._settings.backup.concurrency:
            following = next(iter(self._in_line))
            del self._in_line[following]
            if following != key:
                self._wake(following)
                return
