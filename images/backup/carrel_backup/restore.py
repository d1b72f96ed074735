"""Brings one file or folder back from a backup, beside what is there now and never over it."""

import difflib
import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from carrel_backup.landing import Landing
from carrel_backup.source import Answer, Snapshot, Source, TaskError
from carrel_operator import dates

_ALL = "everything"  # the name of the folder that a whole volume is restored into
_MODE_OF_ALL = 0o755
_ROOM_TO_LEAVE = 16 * 1024**2
_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Wish:
    """What to bring back, and as of when: a day, a day and a time, or empty for the newest."""

    path: str
    as_of: str = ""


def bring_back(source: Source, volume: Path, wish: Wish, zone: ZoneInfo) -> dict[str, Any]:
    """Restore; where it is now, and a sentence. TaskError says why not, and what could be done instead."""
    path = inside(wish.path)
    snapshot = chosen(source.snapshots(), wish.as_of, zone)
    node = _node(source, snapshot, path, zone)
    _check_room(source, snapshot, path, volume)
    landing = Landing(volume, snapshot.at.astimezone(zone).date().isoformat())
    name = PurePosixPath(path).name or _ALL
    failures = 0
    try:
        with landing.half() as (half, folder):
            if node["type"] == "dir":
                failures = source.restore(snapshot, path, folder / name)
                landing.open_up(half, name, node.get("mode", _MODE_OF_ALL))
            else:
                _write_file(source, snapshot, node, landing.open_new(half, name))
            into = landing.take(half, name, is_folder=node["type"] == "dir")
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        message = "The disk became full; nothing was restored. Make room, and try again."
        raise TaskError(message) from error
    less = f" {failures} of what is in it could not be written." if failures else ""
    message = f"'{shown(path)}' as of {_when(snapshot, zone)} is in '{into}'.{less}"
    return {"message": message, "into": into, "snapshot": snapshot.id}


def inside(path: str) -> str:
    """The path in a backup, beginning with a slash; TaskError when it names something outside of the volume."""
    parts = [each for each in path.removeprefix("~/").split("/") if each not in {"", "."}]
    if path.startswith("/") or ".." in parts or "\0" in path:
        message = f"'{path}' is not within the files that are backed up: say it as seen from their top, without '..'."
        raise TaskError(message)
    if path == "~":
        parts = []
    return "/" + "/".join(parts)


def shown(path: str) -> str:
    """The path as people say it."""
    return path.removeprefix("/") or "everything"


def chosen(snapshots: Iterable[Snapshot], as_of: str, zone: ZoneInfo) -> Snapshot:
    """The newest backup of that day or before; TaskError when there is none, or when it is no date."""
    there = {each.at: each for each in snapshots}
    try:
        return there[dates.chosen(there, as_of, zone)]
    except dates.NoBackupError as error:
        raise TaskError(str(error)) from error


def _node(source: Source, snapshot: Snapshot, path: str, zone: ZoneInfo) -> Answer:
    """What is at that path; a file or a folder, never what a link leads to."""
    if path == "/":
        return {"type": "dir"}
    node = next((each for each in source.nodes(snapshot, path) if each["path"] == path), None)
    if node is None:
        raise TaskError(_not_there(source, snapshot, path, zone))
    if node["type"] not in {"file", "dir"}:
        kind = "a link" if node["type"] == "symlink" else "no file"
        message = f"'{shown(path)}' is {kind}: restore the folder that it is in, or what it leads to."
        raise TaskError(message)
    return node


def _not_there(source: Source, snapshot: Snapshot, path: str, zone: ZoneInfo) -> str:
    """That it is not in this backup, and where it is, or what it may be a slip of the pen for."""
    message = f"There is no '{shown(path)}' in the backup of {_when(snapshot, zone)}."
    having = source.having(path)
    others = sorted((each for each in source.snapshots() if each.id in having), key=lambda each: each.at)
    if others:
        newest = [_when(each, zone) for each in reversed(others)][:_SUGGESTIONS]
        return f"{message} It is in that of {' and '.join(newest)}."
    above = str(PurePosixPath(path).parent)
    names = [each["name"] for each in source.nodes(snapshot, above) if each["path"] != above]
    alike = difflib.get_close_matches(PurePosixPath(path).name, names, _SUGGESTIONS, cutoff=0.7)
    if not alike:
        return message
    return f"{message} There is {', '.join(repr(shown(str(PurePosixPath(above, each)))) for each in alike)}."


def _check_room(source: Source, snapshot: Snapshot, path: str, volume: Path) -> None:
    needed = sum(each.get("size", 0) for each in source.nodes(snapshot, path, recursive=True))
    disk = os.statvfs(volume)
    free = disk.f_bavail * disk.f_frsize
    if needed + _ROOM_TO_LEAVE > free:
        message = (
            f"'{shown(path)}' has {_mebibytes(needed)} and the disk has {_mebibytes(free)} left. "
            "Make room or restore less; nothing was changed."
        )
        raise TaskError(message)


def _write_file(source: Source, snapshot: Snapshot, node: Answer, into: int) -> None:
    try:
        source.dump(snapshot, node["path"], into)
        os.fchmod(into, node["mode"] & 0o777)
        modified = datetime.fromisoformat(node["mtime"]).timestamp()
        os.utime(into, (modified, modified))
    finally:
        os.close(into)


def _when(snapshot: Snapshot, zone: ZoneInfo) -> str:
    return dates.shown(snapshot.at, zone)


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:,.0f} MiB"
