"""When a volume is backed up."""

from dataclasses import dataclass
from datetime import datetime

from carrel_operator.backup_seen import BackupSeen
from carrel_operator.settings import Backup

# A clock may jump and a computer may sleep: a longer rest than this would be overslept.
LONGEST_REST = 3600.0


@dataclass(frozen=True, slots=True)
class Due:
    """Whether a backup is to be made now."""

    now: bool = False
    urgent: bool = False  # somebody waits: it need not wait for others to be done
    again_in: float | None = None  # seconds until the passing of time alone changes the answer


def due(seen: BackupSeen, rules: Backup, now: datetime) -> Due:
    """When this volume is to be backed up; never two pods at its backups at once, and never two snapshots."""
    if not rules.enabled or seen.pod is not None or seen.being_made is not None or seen.restoring:
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
