"""When a volume is backed up, and the pods that back up and restore: unprivileged, and with one volume and its backups."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from carrel_operator import api, names
from carrel_operator.accounts import VOLUME_GROUP
from carrel_operator.api import VolumeRestore
from carrel_operator.backup_outcome import (
    BEGUN_ANNOTATION,
    REQUEST_ANNOTATION,
    START_ANNOTATION,
    USES_ANNOTATION,
    stamp,
)
from carrel_operator.backup_seen import BackupSeen, VolumeSeen
from carrel_operator.project_seen import FILES
from carrel_operator.settings import Backup, Settings

CONTAINER = "backup"
_SECRET_PATH = "/etc/backup/password"  # noqa: S105 - a path
_CREDENTIALS_PATH = "/etc/backup/credentials"
_REPOSITORY_PATH = "/repository"
_LONGEST_SECONDS = 6 * 3600
# A clock may jump and a computer may sleep: a longer rest than this would be overslept.
LONGEST_REST = 3600.0


@dataclass(frozen=True, slots=True)
class Due:
    """Whether a backup is to be made now."""

    now: bool = False
    urgent: bool = False  # somebody waits: it need not wait for others to be done
    again_in: float | None = None  # seconds until the passing of time alone changes the answer


def due(seen: BackupSeen, rules: Backup, now: datetime) -> Due:
    """When this volume is to be backed up; never two pods at its backups at once."""
    if not rules.enabled or seen.pod is not None or seen.restoring:
        return Due()
    known = seen.backup
    request = seen.volume.request
    asked = bool(request) and (known is None or known.status.answered_request != request)
    if asked or seen.start:
        return Due(now=True, urgent=True)
    nightly = rules.nightly
    if nightly.missed(_attempted(seen), now) and _may_have_changed(seen):
        return Due(now=True)
    return Due(again_in=min((nightly.next(now) - now).total_seconds(), LONGEST_REST))


def _attempted(seen: BackupSeen) -> datetime:
    """When it was last tried; a volume that was just made waits for its first night like all others."""
    if seen.backup and seen.backup.attempted:
        return seen.backup.attempted
    return datetime.fromisoformat(seen.volume.claim["metadata"]["creationTimestamp"])


def _may_have_changed(seen: BackupSeen) -> bool:
    """Of a home it is known what has used it; a project's files may be changed by any of its members' servers."""
    status = seen.backup.status if seen.backup else None
    if status is None or not status.last_at or seen.volume.whose.project:
        return True
    return seen.uses == "" or seen.uses != status.uses


def backup_pod(seen: BackupSeen, settings: Settings, now: datetime) -> dict[str, Any]:
    """The pod that makes one backup: it reads the volume, and writes its backups."""
    volume, rules = seen.volume, settings.backup
    keep = {"daily": rules.keep.daily, "weekly": rules.keep.weekly, "monthly": rules.keep.monthly}
    arguments = ["backup", *(f"--keep-{period}={number}" for period, number in keep.items())]
    arguments += [f"--exclude={_verbatim(each)}" for each in rules.exclude]
    pod = _pod(volume, names.backup_pod(volume.repository), arguments, settings, writes_files=False)
    answers = {REQUEST_ANNOTATION: volume.request, START_ANNOTATION: seen.start, USES_ANNOTATION: seen.uses}
    pod["metadata"]["annotations"] = {BEGUN_ANNOTATION: stamp(now)} | {
        key: value for key, value in answers.items() if value
    }
    return pod


def restore_pod(restore: VolumeRestore, volume: VolumeSeen, settings: Settings) -> dict[str, Any]:
    """The pod that brings files back: it reads the backups, and writes the volume."""
    arguments = ["restore", f"--path={_verbatim(restore.path)}", f"--as-of={_verbatim(restore.as_of)}"]
    pod = _pod(volume, names.restore_pod(restore.name), arguments, settings, writes_files=True)
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
    volume: VolumeSeen, name: str, arguments: list[str], settings: Settings, *, writes_files: bool
) -> dict[str, Any]:
    labels = {
        "app.kubernetes.io/name": "backup",
        "app.kubernetes.io/managed-by": "carrel-operator",
        api.CLAIM_LABEL: volume.name,
    }
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
        "containers": [_container(volume, arguments, settings, writes_files=writes_files)],
        "volumes": _volumes(volume, settings.backup),
    }
    if volume.whose.owner:
        labels[api.USER_LABEL] = names.user_label(volume.whose.owner)
        spec["affinity"] = {"podAffinity": _beside_the_persons_servers(volume.whose.owner)}
    else:
        labels[api.PROJECT_LABEL] = volume.whose.project
    if settings.notebook.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": each} for each in settings.notebook.image_pull_secrets]
    metadata = {"name": name, "namespace": volume.claim["metadata"]["namespace"], "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _container(
    volume: VolumeSeen, arguments: list[str], settings: Settings, *, writes_files: bool
) -> dict[str, Any]:
    rules = settings.backup
    root = rules.repository.rstrip("/") if rules.repository else ""
    repository = f"{root}/{volume.repository}" if root else _REPOSITORY_PATH
    environment = {
        "RESTIC_REPOSITORY": repository,
        "RESTIC_PASSWORD_FILE": f"{_SECRET_PATH}/password",
        "RESTIC_CACHE_DIR": "/tmp/cache",  # noqa: S108 - the pod's own
        "TZ": rules.time_zone,  # a day of retention is a day of the schedule
    }
    mounts: list[dict[str, Any]] = [
        {"name": "volume", "mountPath": "/volume", **({} if writes_files else {"readOnly": True})},
        {"name": "password", "mountPath": _SECRET_PATH, "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
    ]
    if volume.whose.project:
        mounts[0]["subPath"] = FILES
    if not root:
        # its own backups and nobody else's; who writes files can't write them
        mount = {"name": "repository", "mountPath": _REPOSITORY_PATH, "subPath": volume.repository}
        mounts.append(mount | ({"readOnly": True} if writes_files else {}))
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": rules.image,
        "imagePullPolicy": settings.notebook.image_pull_policy,
        "args": arguments,
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "resources": rules.resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }
    if rules.credentials_secret:
        container["envFrom"] = [{"secretRef": {"name": rules.credentials_secret}}]
        mounts.append({"name": "credentials", "mountPath": _CREDENTIALS_PATH, "readOnly": True})
    return container


def _volumes(volume: VolumeSeen, rules: Backup) -> list[dict[str, Any]]:
    password = {
        "secretName": rules.password_secret,
        "items": [{"key": "password", "path": "password"}],
        "defaultMode": 0o440,
    }
    volumes: list[dict[str, Any]] = [
        {"name": "volume", "persistentVolumeClaim": {"claimName": volume.name}},
        {"name": "password", "secret": password},
        {"name": "tmp", "emptyDir": {}},
    ]
    if not rules.repository:
        volumes.append({"name": "repository", "persistentVolumeClaim": {"claimName": rules.claim}})
    if rules.credentials_secret:
        secret = {"secretName": rules.credentials_secret, "defaultMode": 0o440}
        volumes.append({"name": "credentials", "secret": secret})
    return volumes


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
