"""What is seen of one volume that is backed up: whose it is, what its backups are, and what may have changed since."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from carrel_operator import api, names
from carrel_operator.accounts import VOLUME_GROUP, Accounts
from carrel_operator.api import Body, ConditionType, Notebook, VolumeBackup, VolumeRestore, Whose
from carrel_operator.project_seen import ProjectSeen
from carrel_operator.snapshot_seen import SnapshotSeen

NOBODY = "nobody"  # no server that could have changed anything


@dataclass(frozen=True, slots=True)
class VolumeSeen:
    """A volume, and the numbers under which its files are read and written."""

    whose: Whose
    claim: Body
    uid: int
    gid: int

    @property
    def name(self) -> str:
        """The claim's name."""
        return str(self.claim["metadata"]["name"])

    @property
    def repository(self) -> str:
        """Where its backups are, among those of all volumes."""
        return names.repository(self.name, self.gid if self.whose.project else None)

    @property
    def request(self) -> str:
        """What an administrator wrote on the claim to have it backed up now."""
        return str(self.claim["metadata"].get("annotations", {}).get(api.BACKUP_NOW_ANNOTATION, ""))


@dataclass(frozen=True, slots=True)
class BackupSeen:
    """A volume, its backups, and what goes on with them."""

    volume: VolumeSeen
    backup: VolumeBackup | None = None
    pod: Body | None = None  # that backs it up
    pod_age: float = 0.0  # seconds since it was first seen
    snapshots: tuple[SnapshotSeen, ...] = ()  # that the storage has, without those on their way out
    restoring: bool = False
    uses: str = NOBODY
    start: str = ""  # the session that waits for this backup

    @property
    def being_made(self) -> SnapshotSeen | None:
        """The snapshot that is on its way to being a backup, if there is one."""
        return untold(self.backup, self.snapshots)


@dataclass(frozen=True, slots=True)
class RestoreSeen:
    """A wish to bring something back, and what stands in its way."""

    restore: VolumeRestore
    volume: VolumeSeen | None = None
    backup: VolumeBackup | None = None
    pod: Body | None = None
    pod_age: float = 0.0
    snapshots: tuple[SnapshotSeen, ...] = ()  # that the storage has
    busy: bool = False  # with a backup, or with another restore


def untold(backup: VolumeBackup | None, snapshots: Iterable[SnapshotSeen]) -> SnapshotSeen | None:
    """The newest snapshot that the status does not list; what is to be kept no longer goes before the status is written."""
    listed = {each.id for each in backup.status.snapshots} if backup else set()
    return max(
        (each for each in snapshots if each.name not in listed), key=lambda each: each.name, default=None
    )


def home_seen(claim: Body, accounts: Accounts) -> VolumeSeen | None:
    """A person's home; None when it has no disk yet, or nobody's number is known to read it under."""
    owner = owner_of(claim)
    uid = accounts.people.get(names.slug(owner)) if owner else None
    is_theirs = bool(owner) and claim["metadata"]["name"] == names.home(owner)
    if uid is None or not is_theirs or not _is_bound(claim):
        return None
    return VolumeSeen(Whose(owner=owner), claim, uid, VOLUME_GROUP)


def team_home_seen(claim: Body, project: ProjectSeen) -> VolumeSeen | None:
    """The home of a project's own server; None when it has no disk yet, or was a former project's of that name."""
    name, number = project.project.name, project.number
    if (
        number is None
        or claim["metadata"]["name"] != names.project_home(name, number)
        or not _is_bound(claim)
    ):
        return None
    return VolumeSeen(Whose(owner=names.team(name)), claim, number, VOLUME_GROUP)


def owner_of(claim: Body) -> str:
    """Whose home a claim says it is."""
    return str(claim["metadata"].get("annotations", {}).get(api.OWNER_ANNOTATION, ""))


def project_files_seen(project: ProjectSeen) -> VolumeSeen | None:
    """A project's files; None until they are ready for its members."""
    gid = project.number_of_files
    if project.claim is None or gid is None or not project.prepared:
        return None
    return VolumeSeen(Whose(project=project.project.name), project.claim, gid, gid)


def uses(servers: Iterable[tuple[Notebook, bool]]) -> str:
    """What has used a home so far, as one word that differs after every further use; empty while something does.

    A server and whether it has a pod. It tells by the moment at which each server was last seen to stop being
    ready. Moments are only compared for being the same, so no clock has to be right.
    """
    ends = []
    for notebook, has_pod in servers:
        if has_pod:
            return ""
        ready = notebook.status.condition(ConditionType.READY)
        ends.append(f"{notebook.name}@{ready.last_transition_time if ready else ''}")
    return hashlib.sha256("\n".join(sorted(ends)).encode()).hexdigest()[:16] if ends else NOBODY


def _is_bound(claim: Body) -> bool:
    return bool(claim.get("status", {}).get("phase") == "Bound")


def outcome_message(pod: Body) -> str:
    """What the pod's container left behind when it ended; empty if it could not."""
    for status in pod.get("status", {}).get("containerStatuses", ()):
        return str(status.get("state", {}).get("terminated", {}).get("message", ""))
    return ""


def has_ended(pod: Body) -> bool:
    """Whether the pod has come to its end, well or not."""
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}
