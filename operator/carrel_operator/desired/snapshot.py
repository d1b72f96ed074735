"""The snapshot that the storage makes of a volume, and how a pod gets to see what is in one."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from carrel_operator import names
from carrel_operator.api import Body, VolumeRestore
from carrel_operator.backup_seen import BackupSeen, RestoreSeen, VolumeSeen
from carrel_operator.dates import NoBackupError, chosen
from carrel_operator.desired.backup_metadata import annotations, labels
from carrel_operator.retention import kept
from carrel_operator.settings import Backup
from carrel_operator.snapshot_seen import API_VERSION, GROUP, SnapshotSeen

_DEFAULT = "snapshot.storage.kubernetes.io/is-default-class"


def snapshot_class(provisioner: str, classes: Iterable[Body]) -> str | None:
    """The VolumeSnapshotClass of a storage's driver, the one marked as default before others; None if it has none."""
    fitting = sorted(
        (each["metadata"].get("annotations", {}).get(_DEFAULT) != "true", each["metadata"]["name"])
        for each in classes
        if each["driver"] == provisioner
    )
    return str(fitting[0][1]) if fitting else None


def volume_snapshot(seen: BackupSeen, class_name: str, now: datetime) -> dict[str, Any]:
    """The snapshot that is one backup."""
    volume = seen.volume
    moment = now.astimezone(UTC).strftime("%Y%m%d-%H%M%S")
    return {
        "apiVersion": API_VERSION,
        "kind": "VolumeSnapshot",
        "metadata": {
            "name": names.volume_snapshot(volume.repository, moment),
            "namespace": volume.claim["metadata"]["namespace"],
            "labels": labels(volume),
            "annotations": annotations(seen, now),
        },
        "spec": {
            "volumeSnapshotClassName": class_name,
            "source": {"persistentVolumeClaimName": volume.name},
        },
    }


def expired(snapshots: Iterable[SnapshotSeen], made: SnapshotSeen, rules: Backup) -> list[SnapshotSeen]:
    """The snapshots that are to be kept no longer now that another one was made, whatever the clock has done."""
    ready = [each for each in snapshots if each.ready]
    stay = kept({each.at for each in ready}, rules.keep, rules.nightly.zone)
    return [each for each in ready if each.at not in stay and each.name != made.name]


def source(seen: RestoreSeen, rules: Backup) -> SnapshotSeen | None:
    """The snapshot to copy from; None when restic is to look. NoBackupError when nobody has anything of then."""
    there = {each.name: each for each in seen.snapshots if each.ready}
    listed = seen.backup.status.snapshots if seen.backup else ()
    moments = {each.moment: each for each in listed if each.of_restic or each.id in there}
    if all(each.of_restic for each in moments.values()):
        return None
    try:
        found = moments[chosen(moments, seen.restore.as_of, rules.nightly.zone)]
    except NoBackupError:
        if any(each.of_restic for each in moments.values()):
            return None  # of very many backups the oldest are not listed
        raise
    return there.get(found.id)


def copy_arguments(restore: VolumeRestore, snapshot: SnapshotSeen) -> dict[str, str]:
    """What the pod is told that copies from a snapshot."""
    return {"path": restore.path, "snapshot": snapshot.name, "at": snapshot.begun}


def temporary_volume(volume: VolumeSeen, snapshot: SnapshotSeen) -> dict[str, Any]:
    """A volume made of a snapshot, whose claim Kubernetes makes with the pod and removes with it."""
    spec = volume.claim["spec"]
    size = snapshot.size or volume.claim["status"]["capacity"]["storage"]
    return {
        "volumeClaimTemplate": {
            "metadata": {"labels": labels(volume)},
            "spec": {
                "storageClassName": spec["storageClassName"],
                "accessModes": spec["accessModes"],
                "dataSource": {"apiGroup": GROUP, "kind": "VolumeSnapshot", "name": snapshot.name},
                "resources": {"requests": {"storage": size}},
            },
        }
    }
