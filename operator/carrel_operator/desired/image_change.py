"""Before a home is opened by another image than it was last, its files are backed up, if that does not take too long."""

from carrel_operator import api
from carrel_operator.api import Reason
from carrel_operator.catalogue import Refusal
from carrel_operator.seen import Seen
from carrel_operator.settings import Settings

_SENTENCE = "Your files are being backed up before the new image starts."


def waits_for_backup(seen: Seen, settings: Settings) -> bool:
    """Whether the pod of this start is to be made only after a backup."""
    return (
        seen.notebook.running
        and seen.own_pod is None
        and _wants_backup(seen, settings)
        and not _answered(seen)
        and not _too_long(seen, settings)
    )


def waiting(seen: Seen, settings: Settings) -> Refusal | None:
    """What to say meanwhile."""
    return Refusal(Reason.BACKING_UP, _SENTENCE) if waits_for_backup(seen, settings) else None


def image_change_notice(seen: Seen, settings: Settings) -> str:
    """What to say in a server that was started without the backup that it should have had."""
    if not _wants_backup(seen, settings):
        return ""
    if _answered(seen):
        return "The server started with the new image, though the backup of your files before it failed."
    minutes = settings.backup.patience_before_image_change / 60
    return f"The server started with the new image, though the backup of your files took longer than {minutes:.0f} minutes."


def image_of_home(seen: Seen) -> str:
    """The image that last opened the home."""
    annotations = seen.home["metadata"].get("annotations", {}) if seen.home else {}
    return str(annotations.get(api.IMAGE_ANNOTATION, ""))


def _wants_backup(seen: Seen, settings: Settings) -> bool:
    rules, before = settings.backup, image_of_home(seen)
    if not rules.enabled or not rules.patience_before_image_change or not seen.home_bound or not before:
        return False
    if seen.image is None or seen.image.image == before:
        return False
    return seen.backup is None or seen.uses == "" or seen.uses != seen.backup.status.uses


def _answered(seen: Seen) -> bool:
    return seen.backup is not None and seen.backup.status.answered_start == seen.notebook.session != ""


def _too_long(seen: Seen, settings: Settings) -> bool:
    return seen.backup_age >= settings.backup.patience_before_image_change
