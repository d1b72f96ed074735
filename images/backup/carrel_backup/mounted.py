"""A snapshot that is mounted beside its volume, read as restic's backups are: file by file and through no link.

Nobody writes it meanwhile, so what was looked at stays what it is. Odd it may be all the same: a link is copied as a
link, and what is no file, folder or link is left out.
"""

import errno
import os
import posixpath
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from carrel_backup.source import Answer, Snapshot, TaskError

# Each level is an open folder on both sides, of which a process may have 1024, and two calls, of which Python has 1000.
_DEEPEST = 200
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_OLD_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_AT_ONCE = 1024**2
_LATEST = 253_402_300_799  # the last second that a date can say
_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "symlink"}


class MountedSnapshot:
    """The one backup that there is, as a folder."""

    def __init__(self, top: Path, snapshot: Snapshot) -> None:
        self._top = top
        self._snapshot = snapshot

    def snapshots(self) -> list[Snapshot]:
        """It alone."""
        return [self._snapshot]

    def nodes(self, snapshot: Snapshot, path: str, *, recursive: bool = False) -> Iterator[Answer]:  # noqa: ARG002
        """What is at that path and below it, as far as it can be read."""
        try:
            with self._above(path) as folder:
                yield from _nodes(folder, _name(path), path, _DEEPEST if recursive else 1)
        except OSError:
            return

    def having(self, path: str) -> set[str]:  # noqa: ARG002
        """Other snapshots are not mounted, so none is known."""
        return set()

    def dump(self, snapshot: Snapshot, path: str, into: int) -> None:  # noqa: ARG002
        """Write one file's content to an open file."""
        with _readable(path), self._above(path) as folder:
            source = os.open(_name(path), _OLD_FILE, dir_fd=folder)
        with _closing(source):
            _copy_content(source, into)

    def restore(self, snapshot: Snapshot, path: str, into: Path) -> int:  # noqa: ARG002
        """Make a folder with what is in one; the number of entries that could not be read or are of no kind to copy."""
        with _readable(path), self._above(path) as folder:
            source = os.open(_name(path), _FOLDER, dir_fd=folder)
        into.mkdir(mode=0o700)
        with _closing(source), _closing(os.open(into, _FOLDER)) as target:
            return _copy_entries(source, target, _DEEPEST)

    @contextmanager
    def _above(self, path: str) -> Iterator[int]:
        """The open folder that something is in; the top is in itself."""
        folder = os.open(self._top, _FOLDER)
        try:
            for name in PurePosixPath(path).parts[1:-1]:
                inner = os.open(name, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)


def _name(path: str) -> str:
    return PurePosixPath(path).name or "."


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = (
            f"'{path.removeprefix('/')}' can't be read from the snapshot: {os.strerror(error.errno or 0)}."
        )
        raise TaskError(message) from error


def _nodes(folder: int, name: str, path: str, depth: int) -> Iterator[Answer]:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    kind = _KINDS.get(stat.S_IFMT(found.st_mode), "other")
    modified = datetime.fromtimestamp(min(max(found.st_mtime, 0), _LATEST), UTC)
    yield {
        "path": path,
        "name": _name(path),
        "type": kind,
        "mode": found.st_mode,
        "mtime": modified.isoformat(),
        "size": found.st_size if kind == "file" else 0,
    }
    if kind != "dir" or not depth:
        return
    try:
        inner = os.open(name, _FOLDER, dir_fd=folder)
    except OSError:
        return  # it can't be copied either, which is counted there
    with _closing(inner):
        for each in sorted(os.listdir(inner)):  # noqa: PTH208 - an open folder has no path
            yield from _nodes(inner, each, posixpath.join(path, each), depth - 1)


def _copy_entries(source: int, target: int, depth: int) -> int:
    """Copy what is in an open folder into another; how much of it could not be."""
    failures = 0
    for name in os.listdir(source):
        try:
            failures += _copy(source, target, name, depth)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise
            failures += 1
    return failures


def _copy(source: int, target: int, name: str, depth: int) -> int:
    found = os.stat(name, dir_fd=source, follow_symlinks=False)
    match _KINDS.get(stat.S_IFMT(found.st_mode)):
        case "symlink":
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        case "file":
            with (
                _closing(os.open(name, _OLD_FILE, dir_fd=source)) as old,
                _closing(os.open(name, _NEW_FILE, 0o600, dir_fd=target)) as new,
            ):
                _copy_content(old, new)
                _finish(new, found)
        case "dir" if depth:
            with _closing(os.open(name, _FOLDER, dir_fd=source)) as old:
                os.mkdir(name, 0o700, dir_fd=target)
                with _closing(os.open(name, _FOLDER, dir_fd=target)) as new:
                    failures = _copy_entries(old, new, depth - 1)
                    _finish(new, found)
                    return failures
        case _:
            return 1
    return 0


def _copy_content(source: int, target: int) -> None:
    with os.fdopen(source, "rb", closefd=False) as old, os.fdopen(target, "wb", closefd=False) as new:
        shutil.copyfileobj(old, new, _AT_ONCE)


def _finish(new: int, found: os.stat_result) -> None:
    """Permissions and times as they were; whose it is and the team's mark on folders come from where it lands."""
    of_the_group = os.fstat(new).st_mode & stat.S_ISGID
    os.fchmod(new, of_the_group | found.st_mode & 0o777)
    os.utime(new, ns=(found.st_atime_ns, found.st_mtime_ns))
