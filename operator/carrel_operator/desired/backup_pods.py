"""The pods that back up and restore: unprivileged, and with one volume and its backups."""

from datetime import datetime
from typing import Any

from carrel_operator import api, names
from carrel_operator.accounts import VOLUME_GROUP
from carrel_operator.api import VolumeRestore
from carrel_operator.backup_seen import BackupSeen, VolumeSeen
from carrel_operator.desired import backup_reach
from carrel_operator.desired.backup_metadata import annotations, labels
from carrel_operator.desired.backup_reach import Reach
from carrel_operator.desired.snapshot import copy_arguments
from carrel_operator.project_seen import FILES
from carrel_operator.settings import Settings
from carrel_operator.snapshot_seen import SnapshotSeen

CONTAINER = "backup"
_LONGEST_SECONDS = 6 * 3600


def backup_pod(seen: BackupSeen, settings: Settings, now: datetime) -> dict[str, Any]:
    """The pod that makes one backup: it reads the volume, and writes its backups."""
    volume, rules = seen.volume, settings.backup
    keep = {"daily": rules.keep.daily, "weekly": rules.keep.weekly, "monthly": rules.keep.monthly}
    arguments = ["backup", *(f"--keep-{period}={number}" for period, number in keep.items())]
    arguments += [f"--exclude={_verbatim(each)}" for each in rules.exclude]
    reach = backup_reach.restic(volume, rules, writes=True)
    pod = _pod(volume, names.backup_pod(volume.repository), arguments, settings, reach)
    pod["metadata"]["annotations"] = annotations(seen, now)
    pod["spec"]["containers"][0]["volumeMounts"][0]["readOnly"] = True
    return pod


def restore_pod(
    restore: VolumeRestore, volume: VolumeSeen, settings: Settings, snapshot: SnapshotSeen | None = None
) -> dict[str, Any]:
    """The pod that brings files back: it reads the backups or a snapshot, and writes the volume."""
    if snapshot is None:
        task, asked = "restore", {"path": restore.path, "as-of": restore.as_of}
        reach = backup_reach.restic(volume, settings.backup, writes=False)
    else:
        task, asked = "copy", copy_arguments(restore, snapshot)
        reach = backup_reach.mounted(volume, settings.backup, snapshot)
    arguments = [task, *(f"--{key}={_verbatim(value)}" for key, value in asked.items())]
    pod = _pod(volume, names.restore_pod(restore.name), arguments, settings, reach)
    pod["metadata"]["ownerReferences"] = [
        {
            "apiVersion": api.API_VERSION,
            "kind": "VolumeRestore",
            "name": restore.name,
            "uid": restore.metadata.uid,
        }
    ]
    return pod


def _pod(
    volume: VolumeSeen, name: str, arguments: list[str], settings: Settings, reach: Reach
) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "activeDeadlineSeconds": _LONGEST_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": volume.uid,
            "runAsGroup": volume.gid,
            "fsGroup": VOLUME_GROUP,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(volume, arguments, settings, reach)],
        "volumes": [
            {"name": "volume", "persistentVolumeClaim": {"claimName": volume.name}},
            {"name": "tmp", "emptyDir": {}},
            *reach.volumes,
        ],
    }
    if volume.whose.owner:
        spec["affinity"] = {"podAffinity": _beside_the_persons_servers(volume.whose.owner)}
    if settings.notebook.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": each} for each in settings.notebook.image_pull_secrets]
    metadata = {
        "name": name,
        "namespace": volume.claim["metadata"]["namespace"],
        "labels": labels(volume),
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _container(volume: VolumeSeen, arguments: list[str], settings: Settings, reach: Reach) -> dict[str, Any]:
    rules = settings.backup
    mounts: list[dict[str, Any]] = [
        {"name": "volume", "mountPath": "/volume"},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
        *reach.mounts,
    ]
    if volume.whose.project:
        mounts[0]["subPath"] = FILES
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": rules.image,
        "imagePullPolicy": settings.notebook.image_pull_policy,
        "args": arguments,
        "env": [{"name": key, "value": value} for key, value in reach.environment.items()],
        "resources": rules.resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }
    if reach.secrets:
        container["envFrom"] = [{"secretRef": {"name": each}} for each in reach.secrets]
    return container


def _beside_the_persons_servers(owner: str) -> dict[str, Any]:
    """A home is mounted by one node at a time (docs/decisions/0005); a server that starts now comes here too."""
    return {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {
                "labelSelector": {"matchLabels": {api.USER_LABEL: names.user_label(owner)}},
                "topologyKey": "kubernetes.io/hostname",
            }
        ]
    }


def _verbatim(text: str) -> str:
    """Kubernetes puts variables in place of ``$(NAME)``; a doubled dollar is one that it leaves alone."""
    return text.replace("$", "$$")
