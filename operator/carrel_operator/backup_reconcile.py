"""The one path from what is seen of a volume and its backups to what should be."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from carrel_operator import api
from carrel_operator.accounts import AccountsError
from carrel_operator.api import BackupStatus, Body, VolumeBackup
from carrel_operator.backup_outcome import backup_status, wait_for
from carrel_operator.backup_seen import BackupSeen
from carrel_operator.cache import Cache, Key
from carrel_operator.cluster import AlreadyExistsError, Cluster, ClusterError
from carrel_operator.desired.backup import LONGEST_REST, backup_pod, due
from carrel_operator.desired.image_change import waits_for_backup
from carrel_operator.registry import Registry
from carrel_operator.settings import Settings
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
        seen = self._cache.backup(key)
        if seen is None:
            self._let_go(key)
            # the home of a project's server counts again when the project is given its former number
            claim = self._cache.body("PersistentVolumeClaim", key.namespace, key.name)
            return LONGEST_REST if claim else None
        if seen.pod is not None:
            return await self._follow(key, seen, seen.pod)
        self._let_go(key)
        now = datetime.now(UTC)
        found = due(self._with_start(seen, key), self._settings.backup, now)
        if not found.now:
            return found.again_in
        if not found.urgent and len(self._at_work) >= self._settings.backup.concurrency:
            self._in_line[key] = None
            return None
        self._in_line.pop(key, None)
        self._at_work.add(key)
        logger.info("%s: is backed up", key)
        pod = backup_pod(self._with_start(seen, key), self._settings, now)
        self._cache.see(await self._cluster.create(pod), ours=True)
        return None

    def _with_start(self, seen: BackupSeen, key: Key) -> BackupSeen:
        """The same, with the session of a start that waits for it."""
        servers = self._cache.servers_of(key.namespace, seen.volume.whose.owner)
        for server in servers if seen.volume.whose.owner else ():
            notebook = self._cache.seen(server)
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
