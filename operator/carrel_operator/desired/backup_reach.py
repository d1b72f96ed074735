"""What a pod at one volume's backups sees besides the volume: its backups, and nobody else's."""

from dataclasses import dataclass
from typing import Any

from carrel_operator.backup_seen import VolumeSeen
from carrel_operator.desired.snapshot import temporary_volume
from carrel_operator.project_seen import FILES
from carrel_operator.settings import Backup
from carrel_operator.snapshot_seen import SnapshotSeen

_SECRET_PATH = "/etc/backup/password"  # noqa: S105 - a path
_CREDENTIALS_PATH = "/etc/backup/credentials"
_REPOSITORY_PATH = "/repository"
_SNAPSHOT_PATH = "/snapshot"


@dataclass(frozen=True, slots=True)
class Reach:
    """What is mounted, what the environment says, and the Secrets that are in it as they are."""

    environment: dict[str, str]
    mounts: tuple[dict[str, Any], ...]
    volumes: tuple[dict[str, Any], ...]
    secrets: tuple[str, ...] = ()


def restic(volume: VolumeSeen, rules: Backup, *, writes: bool) -> Reach:
    """The volume's repository and its password; who writes files can't write backups."""
    root = rules.repository.rstrip("/") if rules.repository else ""
    password = {
        "secretName": rules.password_secret,
        "items": [{"key": "password", "path": "password"}],
        "defaultMode": 0o440,
    }
    mounts: list[dict[str, Any]] = [{"name": "password", "mountPath": _SECRET_PATH, "readOnly": True}]
    volumes: list[dict[str, Any]] = [{"name": "password", "secret": password}]
    if not root:
        mount = {"name": "repository", "mountPath": _REPOSITORY_PATH, "subPath": volume.repository}
        mounts.append(mount | ({} if writes else {"readOnly": True}))
        volumes.append({"name": "repository", "persistentVolumeClaim": {"claimName": rules.claim}})
    if rules.credentials_secret:
        secret = {"secretName": rules.credentials_secret, "defaultMode": 0o440}
        mounts.append({"name": "credentials", "mountPath": _CREDENTIALS_PATH, "readOnly": True})
        volumes.append({"name": "credentials", "secret": secret})
    return Reach(
        environment={
            "RESTIC_REPOSITORY": f"{root}/{volume.repository}" if root else _REPOSITORY_PATH,
            "RESTIC_PASSWORD_FILE": f"{_SECRET_PATH}/password",
            "RESTIC_CACHE_DIR": "/tmp/cache",  # noqa: S108 - the pod's own
            "TZ": rules.time_zone,  # a day of retention is a day of the schedule
        },
        mounts=tuple(mounts),
        volumes=tuple(volumes),
        secrets=(rules.credentials_secret,) if rules.credentials_secret else (),
    )


def mounted(volume: VolumeSeen, rules: Backup, snapshot: SnapshotSeen) -> Reach:
    """A volume made of one snapshot, to be read; no password and no other backup."""
    mount = {"name": "snapshot", "mountPath": _SNAPSHOT_PATH, "readOnly": True}
    return Reach(
        environment={"TZ": rules.time_zone},
        mounts=(mount | ({"subPath": FILES} if volume.whose.project else {}),),
        volumes=({"name": "snapshot", "ephemeral": temporary_volume(volume, snapshot)},),
    )
