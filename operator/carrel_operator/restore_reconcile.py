"""The one path from a wish to bring files back to their being there, and to the end of the wish."""

import logging
from datetime import UTC, datetime, timedelta

from carrel_operator import backup_view
from carrel_operator.accounts import AccountsError
from carrel_operator.api import InvalidObjectError, RestorePhase, RestoreStatus
from carrel_operator.backup_outcome import restore_status, stamp, wait_for
from carrel_operator.backup_seen import RestoreSeen
from carrel_operator.cache import Cache
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import ClusterError, ConflictError, NotFoundError
from carrel_operator.dates import NoBackupError
from carrel_operator.desired.backup_pods import restore_pod
from carrel_operator.desired.snapshot import source
from carrel_operator.places import Key
from carrel_operator.registry import Registry
from carrel_operator.settings import Settings
from carrel_operator.workqueue import RetryError

logger = logging.getLogger("carrel")

# For so long the answer can be read; then the object has served.
_KEPT = timedelta(days=1)


class RestoreReconciler:
    """Carries each VolumeRestore out once, says what became of it, and removes it a day later."""

    def __init__(self, cluster: Cluster, cache: Cache, settings: Settings, registry: Registry) -> None:
        self._cluster = cluster
        self._cache = cache
        self._settings = settings
        self._registry = registry

    async def reconcile(self, key: Key) -> float | None:
        """Reconcile one VolumeRestore; the result is the seconds until it is to be removed.

        Raises:
            RetryError: Kubernetes refused something.
        """
        try:
            await self._registry.read()
            seen = backup_view.restore_seen(self._cache, key)
            if seen is None or seen.restore.metadata.deleting:
                return None
            phase = seen.restore.status.phase
            if phase is not None and phase.is_over:
                return await self._remove_in_time(key, seen)
            return await self._carry_out(key, seen)
        except InvalidObjectError as error:
            logger.warning("VolumeRestore %s can't be read: %s", key, error)
            return None
        except ClusterError as error:
            raise RetryError(error.message, error.retry_after) from error
        except AccountsError as error:
            raise RetryError(str(error)) from error

    async def _carry_out(self, key: Key, seen: RestoreSeen) -> float | None:
        if seen.pod is not None:
            if wait := wait_for(seen.pod, seen.pod_age):
                await self._tell(
                    seen, RestoreStatus(RestorePhase.RUNNING, "The files are being brought back.")
                )
                return wait.again_in
            await self._tell(seen, restore_status(seen.pod, datetime.now(UTC)))
            if left := await self._cluster.delete(seen.pod):
                self._cache.see(left, ours=True)
            return 0.0
        if refusal := _refusal(seen, self._settings):
            return await self._fail(seen, refusal)
        if seen.busy or seen.volume is None:
            message = "It begins when the backup or the restore that goes on has ended."
            await self._tell(seen, RestoreStatus(RestorePhase.WAITING, message))
            return None
        logger.info("%s: brings files back for %s", key, seen.restore.requested_by or "an administrator")
        try:
            snapshot = source(seen, self._settings.backup)
        except NoBackupError as error:
            return await self._fail(seen, str(error))
        pod = restore_pod(seen.restore, seen.volume, self._settings, snapshot)
        self._cache.see(await self._cluster.create(pod))
        return 0.0

    async def _fail(self, seen: RestoreSeen, why: str) -> float:
        now = stamp(datetime.now(UTC))
        await self._tell(seen, RestoreStatus(RestorePhase.FAILED, why, finished_at=now))
        return 0.0

    async def _tell(self, seen: RestoreSeen, status: RestoreStatus) -> None:
        restore = seen.restore
        if restore.status == status:
            return
        try:
            written = await self._cluster.apply_status(restore.metadata, status.body(), kind="VolumeRestore")
        except (NotFoundError, ConflictError):
            return  # it was deleted meanwhile; the watch will tell
        logger.info("%s: %s", restore.name, status.message)
        self._cache.see(written, ours=True)

    async def _remove_in_time(self, key: Key, seen: RestoreSeen) -> float | None:
        finished = seen.restore.status.finished_at
        left = datetime.fromisoformat(finished) + _KEPT - datetime.now(UTC)
        if left > timedelta():
            return left.total_seconds()
        body = self._cache.body("VolumeRestore", key.namespace, key.name)
        if body is not None:
            await self._cluster.delete(body)
        return None


def _refusal(seen: RestoreSeen, settings: Settings) -> str | None:
    """Why there is nothing to bring back, or nowhere to bring it to."""
    if not settings.backup.enabled:
        return "Backups are not switched on here. Ask an administrator."
    if seen.volume is None:
        what = "home" if seen.restore.whose.owner else "volume of the project"
        return f"There is no {what} to bring files into."
    if seen.backup is None or not seen.backup.status.last_at:
        return "There is no backup yet. The first one is made in the coming night."
    return None
