"""What marks whatever makes a backup, and tells an operator that comes back what it was made for."""

from datetime import datetime

from carrel_operator import api, names
from carrel_operator.backup_outcome import REQUEST_ANNOTATION, START_ANNOTATION, USES_ANNOTATION, stamp
from carrel_operator.backup_seen import BackupSeen, VolumeSeen
from carrel_operator.snapshot_seen import BEGUN_ANNOTATION


def labels(volume: VolumeSeen) -> dict[str, str]:
    """Whose volume it works on."""
    owner = volume.whose.owner
    return {
        "app.kubernetes.io/name": "backup",
        "app.kubernetes.io/managed-by": "carrel-operator",
        api.CLAIM_LABEL: volume.name,
        **({api.USER_LABEL: names.user_label(owner)} if owner else {api.PROJECT_LABEL: volume.whose.project}),
    }


def annotations(seen: BackupSeen, now: datetime) -> dict[str, str]:
    """What it answers, and when it was begun."""
    answers = {
        REQUEST_ANNOTATION: seen.volume.request,
        START_ANNOTATION: seen.start,
        USES_ANNOTATION: seen.uses,
    }
    return {BEGUN_ANNOTATION: stamp(now)} | {key: value for key, value in answers.items() if value}
