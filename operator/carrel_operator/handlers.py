"""What wakes the operator: kopf watches, and every event leads to the same reconcile."""

import gc
import logging
import os
from functools import partial
from pathlib import Path

import kopf

from carrel_operator import concerned, project_view
from carrel_operator import settings as configuration
from carrel_operator.api import GROUP, VERSION, Body
from carrel_operator.backup_reconcile import BackupReconciler
from carrel_operator.bigquery import Warehouse
from carrel_operator.cache import Cache
from carrel_operator.cluster import Cluster
from carrel_operator.grant_reconcile import GrantReconciler
from carrel_operator.leaving import namespace_goes, take_leave
from carrel_operator.places import Key
from carrel_operator.project_reconcile import ProjectReconciler
from carrel_operator.reconcile import Reconciler
from carrel_operator.registry import Registry
from carrel_operator.restore_reconcile import RestoreReconciler
from carrel_operator.snapshot_seen import GROUP as SNAPSHOT_GROUP
from carrel_operator.stateless import NoDiff, NoProgress
from carrel_operator.sweep import Sweeper
from carrel_operator.workqueue import WorkQueue

SETTINGS_PATH = Path(os.environ.get("CARREL_SETTINGS", "/etc/carrel/settings.yaml"))

_WATCHED = (
    (GROUP, VERSION, "instancetypes", ""),
    (GROUP, VERSION, "notebookimages", ""),
    (GROUP, VERSION, "notebooks", ""),
    (GROUP, VERSION, "projects", ""),
    (GROUP, VERSION, "volumebackups", ""),
    (GROUP, VERSION, "volumerestores", ""),
    ("", "v1", "pods", ("nb-", "prepare-", "care-", "clone-", "backup-", "restore-")),
    ("", "v1", "services", "nb-"),
    ("", "v1", "persistentvolumeclaims", ("home-", "project-")),
    ("", "v1", "serviceaccounts", ("user-", "project-")),
    ("networking.k8s.io", "v1", "networkpolicies", "nb-"),
)
_SNAPSHOTS = (SNAPSHOT_GROUP, "v1", "volumesnapshots", ("home-", "project-"))
_STUCK_SECONDS = 300.0
_SECONDS_TO_LEAVE = 25.0  # of the pod's grace period, for what a namespace must not wait for


def speak_of_changes() -> None:
    """A line per request, event or probe is not a line per change."""
    for talkative in ("httpx2", "kopf.objects", "kopf.activities", "aiohttp.access"):
        logging.getLogger(talkative).setLevel(logging.WARNING)


async def discover(values: configuration.Settings) -> configuration.Settings:
    """The settings, without what this cluster can't do; found out once, before kopf begins to watch.

    A kind that the cluster lacks would be complained of, so snapshots are watched only where there are any.
    """
    if not values.backup.uses_snapshots:
        return values
    cluster = Cluster.connect()
    served = await cluster.serves_snapshots()
    await cluster.close()
    if not served:
        return values.without_snapshots()
    _register(*_SNAPSHOTS)
    return values


@kopf.on.startup()
async def start(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: object) -> None:
    """Configure kopf, and make the operator's parts."""
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.persistence.diffbase_storage = NoDiff()
    settings.persistence.progress_storage = NoProgress()
    settings.watching.server_timeout = 600
    memo.cluster = Cluster.connect()
    if not await memo.cluster.serves_our_kinds():
        message = "The cluster does not know Carrel's objects: apply helm/carrel/crds first."
        raise kopf.PermanentError(message)
    memo.cache = Cache()
    values: configuration.Settings = memo.wanted
    registry = Registry(memo.cluster, memo.cache, values.namespace)

    def wake_backup(claim: Key) -> None:
        memo.backups.add(claim)

    backups = BackupReconciler(memo.cluster, memo.cache, values, registry, wake_backup)
    memo.backups = WorkQueue[Key](backups.reconcile)
    memo.restores = WorkQueue[Key](RestoreReconciler(memo.cluster, memo.cache, values, registry).reconcile)
    notebooks = Reconciler(memo.cluster, memo.cache, values, registry, wake_backup)
    memo.queue = WorkQueue[Key](notebooks.reconcile)
    memo.granting = GrantReconciler(memo.cluster, memo.cache, values, registry, Warehouse.from_environment())
    memo.grants = WorkQueue[Key](memo.granting.reconcile)
    projects = ProjectReconciler(memo.cluster, memo.cache, values, registry, memo.grants.add)
    memo.projects = WorkQueue[Key](projects.reconcile)
    kinds = ("VolumeSnapshot",) if values.backup.uses_snapshots else ()
    memo.sweeps = WorkQueue[str](
        Sweeper(memo.cluster, memo.cache, values.namespace, partial(_wake, memo), kinds).sweep
    )
    # What was imported stays for good: looking through it again made everybody wait for a tenth of a second.
    gc.freeze()


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: object) -> None:
    """Let go of the cluster."""
    await memo.sweeps.close()
    await memo.projects.close()
    await memo.grants.close()
    await memo.backups.close()
    await memo.restores.close()
    await memo.queue.close()
    if project_view.held(memo.cache) and await namespace_goes(memo.cluster, memo.wanted.namespace):
        await take_leave(memo.granting, memo.cache, _SECONDS_TO_LEAVE)
    await memo.cluster.close()


@kopf.on.probe()
async def reconciling(memo: kopf.Memo, **_: object) -> float:
    """Alive is who finishes work; kopf itself renews a watch that has gone silent.

    Grants don't count: a warehouse that hangs is no reason to begin anew.
    """
    queues = (memo.queue, memo.projects, memo.backups, memo.restores)
    longest: float = max(queue.longest_run() for queue in queues)
    if longest > _STUCK_SECONDS:
        message = f"A reconcile has not ended for {longest:.0f} seconds."
        raise RuntimeError(message)
    return longest


async def see(body: kopf.Body, memo: kopf.Memo, **_: object) -> None:
    """Keep the object.

    As an index this runs for every object of every kind before the first event is handled, so nothing is
    ever judged by half of what exists.
    """
    memo.cache.see(dict(body))


async def wake(event: kopf.RawEvent, memo: kopf.Memo, **_: object) -> None:
    """Have the Notebooks and Projects that an object concerns looked at again."""
    body = event["object"]
    if event["type"] == "DELETED":
        memo.cache.forget(body)
    elif memo.cache.heard_before(body) and event["type"] is None:  # listed again: the watch had been broken
        memo.sweeps.add("all kinds")
    elif memo.cache.is_echo(body):
        _wake_regrouped(memo)
        return
    _wake(memo, body)


def _wake(memo: kopf.Memo, body: Body) -> None:
    for key in concerned.notebooks(memo.cache, body):
        memo.queue.add(key)
    if project := concerned.project(memo.cache, body):
        memo.projects.add(project)
        memo.grants.add(project)
    _wake_regrouped(memo)
    if claim := concerned.claim(body):
        memo.backups.add(claim)
    for restore in concerned.restores(memo.cache, body):
        memo.restores.add(restore)


def _wake_regrouped(memo: kopf.Memo) -> None:
    for project in project_view.regrouped(memo.cache):
        memo.grants.add(project)


def _register(group: str, version: str, plural: str, prefix: str | tuple[str, ...]) -> None:
    def ours(name: str, **_: object) -> bool:
        return name.startswith(prefix)

    kopf.index(group, version, plural, id=f"see_{plural}", when=ours)(see)
    kopf.on.event(group, version, plural, id=f"wake_{plural}", when=ours)(wake)


for _watched in _WATCHED:
    _register(*_watched)
