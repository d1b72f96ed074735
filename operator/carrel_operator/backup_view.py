"""What the cache knows of the volumes that are backed up: their backups, and the restores of them."""

import time
from collections.abc import Iterator

from carrel_operator import names, project_view
from carrel_operator.api import InvalidObjectError, Notebook, VolumeBackup, VolumeRestore
from carrel_operator.backup_seen import (
    BackupSeen,
    RestoreSeen,
    VolumeSeen,
    has_ended,
    home_seen,
    owner_of,
    project_files_seen,
    team_home_seen,
    untold,
    uses,
)
from carrel_operator.cache import Cache
from carrel_operator.places import Key, Place
from carrel_operator.snapshot_seen import SnapshotSeen, is_leaving, is_ours

_OF_PROJECT = names.project_volume("")


def volume_seen(cache: Cache, key: Key) -> VolumeSeen | None:
    """A claim as something to back up; None when it is not, or not yet."""
    claim = cache.body("PersistentVolumeClaim", key.namespace, key.name)
    if claim is None:
        return None
    if key.name.startswith(_OF_PROJECT):
        name = key.name.removeprefix(_OF_PROJECT)
        project = project_view.seen_if_readable(cache, key.namespace, name)
        return project_files_seen(project) if project else None
    if team := names.project_of(owner_of(claim)):
        project = project_view.seen_if_readable(cache, key.namespace, team)
        return team_home_seen(claim, project) if project else None
    return home_seen(claim, cache.accounts)


def backup_seen(cache: Cache, key: Key) -> BackupSeen | None:
    """All that is known of a claim's backups; None when it is nothing to back up."""
    volume = volume_seen(cache, key)
    if volume is None:
        return None
    pod = cache.entry("Pod", key.namespace, names.backup_pod(volume.repository))
    return BackupSeen(
        volume=volume,
        backup=backup_of(cache, key.namespace, volume.repository),
        pod=pod.body if pod else None,
        pod_age=time.monotonic() - pod.since if pod else 0.0,
        snapshots=_snapshots_of(cache, key.namespace, volume.repository),
        restoring=any(_restoring(cache, key)),
        uses=uses_of_home(cache, key.namespace, volume.whose.owner),
    )


def restore_seen(cache: Cache, key: Key) -> RestoreSeen | None:
    """All that is known of a VolumeRestore; None when there is none. InvalidObjectError when it can't be read."""
    body = cache.body("VolumeRestore", key.namespace, key.name)
    if body is None:
        return None
    restore = VolumeRestore.parse(body)
    claim = Key(key.namespace, _claim_of(cache, key, restore))
    volume = volume_seen(cache, claim)
    pod = cache.entry("Pod", key.namespace, names.restore_pod(key.name))
    repository = volume.repository if volume else ""
    backup = backup_of(cache, key.namespace, repository)
    snapshots = _snapshots_of(cache, key.namespace, repository)
    backs_up = cache.body("Pod", key.namespace, names.backup_pod(repository)) or untold(backup, snapshots)
    return RestoreSeen(
        restore=restore,
        volume=volume,
        backup=backup,
        pod=pod.body if pod else None,
        pod_age=time.monotonic() - pod.since if pod else 0.0,
        snapshots=snapshots,
        busy=backs_up is not None or any(each != key for each in _restoring(cache, claim)),
    )


def backup_of(cache: Cache, namespace: str, repository: str) -> VolumeBackup | None:
    """The record of a volume's backups; None when there is none that can be read."""
    body = cache.body("VolumeBackup", namespace, repository)
    try:
        return VolumeBackup.parse(body) if body else None
    except InvalidObjectError:
        return None


def backup_age(cache: Cache, namespace: str, repository: str, now: float) -> float:
    """For how many seconds the backup that is being made has been seen; 0 when none is."""
    pod = cache.entry("Pod", namespace, names.backup_pod(repository))
    if pod is not None:
        return now - pod.since
    made = untold(backup_of(cache, namespace, repository), _snapshots_of(cache, namespace, repository))
    return made.age if made else 0.0


def uses_of_home(cache: Cache, namespace: str, owner: str) -> str:
    """What has used a person's home so far; see ``uses``."""
    servers = []
    for name in cache.index.notebooks_of(namespace, names.user_label(owner)):
        body = cache.at(Place("Notebook", namespace, name)).body
        if body["spec"].get("owner") == owner:
            has_pod = cache.entry("Pod", namespace, names.pod(name)) is not None
            servers.append((Notebook.parse(body), has_pod))
    return uses(servers)


def unfinished_restores_of(cache: Cache, claim: str) -> Iterator[Key]:
    """The VolumeRestores of a claim that are not over."""
    yield from (key for key, restore in _unfinished(cache) if _claim_of(cache, key, restore) == claim)


def _restoring(cache: Cache, claim: Key) -> Iterator[Key]:
    """The VolumeRestores of a claim whose pod is at work."""
    for key, restore in _unfinished(cache):
        pod = cache.body("Pod", key.namespace, names.restore_pod(key.name))
        if pod is not None and not has_ended(pod) and _claim_of(cache, key, restore) == claim.name:
            yield key


def _unfinished(cache: Cache) -> Iterator[tuple[Key, VolumeRestore]]:
    for place in cache.index.restores:
        try:
            restore = VolumeRestore.parse(cache.at(place).body)
        except InvalidObjectError:
            continue
        if restore.status.phase is None or not restore.status.phase.is_over:
            yield Key(place.namespace, place.name), restore


def _claim_of(cache: Cache, key: Key, restore: VolumeRestore) -> str:
    """The claim that a VolumeRestore is for; empty when its project has no number."""
    whose = restore.whose
    if whose.project:
        return names.project_volume(whose.project)
    team = names.project_of(whose.owner)
    if not team:
        return names.home(whose.owner)
    project = project_view.seen_if_readable(cache, key.namespace, team)
    if project is None or project.number is None:
        return ""
    return names.project_home(team, project.number)


def _snapshots_of(cache: Cache, namespace: str, repository: str) -> tuple[SnapshotSeen, ...]:
    """The snapshots that are backups of a volume and there to stay."""
    now = time.monotonic()
    entries = [cache.at(place) for place in cache.index.snapshots_of(namespace, repository)]
    return tuple(
        SnapshotSeen(each.body, now - each.since)
        for each in entries
        if is_ours(each.body) and not is_leaving(each.body)
    )
