"""Backs a volume up, and lets go of backups that nobody wants to keep."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from carrel_backup.restic import LOCKED, NO_REPOSITORY, Restic, ResticError
from carrel_backup.source import Answer

# A backup before a new image must not give way to the next one of the same day.
_ALWAYS = ("--keep-within=2d", "--keep-last=1")


def back_up(restic: Restic, volume: Path, exclude: Iterable[str], keep: Mapping[str, int]) -> dict[str, Any]:
    """Make one backup; what is to be kept of it, and a sentence. TaskError says why there is none."""
    told = _backup(restic, volume, tuple(exclude))
    summary = next(each for each in told if each["message_type"] == "summary")
    unreadable = [
        str(each.get("item", "")).removeprefix(f"{volume}/")
        for each in told
        if each["message_type"] == "error"
    ]
    try:
        rules = [f"--keep-{period}={number}" for period, number in keep.items() if number]
        left = restic.forget([*_ALWAYS, *rules])
    except ResticError as error:
        # the backup is there; the next one clears up
        return _outcome(summary, unreadable, f" Older ones were kept all: {error}")
    kept = [{"id": each.id, "at": each.at.isoformat(timespec="seconds")} for each in left]
    kept.sort(key=lambda each: each["at"], reverse=True)
    return _outcome(summary, unreadable) | {"snapshots": kept}


def _backup(restic: Restic, volume: Path, exclude: tuple[str, ...]) -> list[Answer]:
    try:
        return list(restic.backup(volume, exclude))
    except ResticError as error:
        if error.code == NO_REPOSITORY:
            restic.init()
        elif error.code == LOCKED:
            restic.unlock()
        else:
            raise
    return list(restic.backup(volume, exclude))


def _outcome(summary: Answer, unreadable: list[str], more: str = "") -> dict[str, Any]:
    files = summary["total_files_processed"]
    message = f"{files} {'file is' if files == 1 else 'files are'} backed up."
    if unreadable:
        what = "1 could not be read" if len(unreadable) == 1 else f"{len(unreadable)} could not be read"
        message += f" {what}, such as '{unreadable[0][:200]}': their owner's permissions forbid it."
    return {
        "message": message + more,
        "id": summary["snapshot_id"][:8],
        "at": summary["backup_start"],
        "files": files,
        "bytes": summary["total_bytes_processed"],
        "unreadable": len(unreadable),
    }
