"""Where restored files arrive: ``restored/<date>`` in the volume, reached through no link, over nothing that exists.

The volume's owner is hostile until checked: every step is taken relative to a folder that is open already. What the
pod could be lured into besides, its password, its repository and its own files, is mounted so that it can't write.
"""

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carrel_backup.source import TaskError

FOLDER = "restored"
_HALF = ".restoring-"


class Landing:
    """The folder for what comes from the backups of one day."""

    def __init__(self, volume: Path, date: str) -> None:
        self.path = f"{FOLDER}/{date}"
        self._absolute = volume / FOLDER / date
        above = os.open(volume, os.O_RDONLY | os.O_DIRECTORY)
        restored = _folder(above, FOLDER, FOLDER)
        self._fd = _folder(restored, date, self.path)
        with os.scandir(self._fd) as there:
            left = [each.name for each in there if each.name.startswith(_HALF)]  # by a pod that was killed
        for name in left:
            shutil.rmtree(name, ignore_errors=True, dir_fd=self._fd)

    @contextmanager
    def half(self) -> Iterator[tuple[str, Path]]:
        """A folder to restore into, by name and path; gone afterwards with what is left in it."""
        name = f"{_HALF}{secrets.token_hex(4)}"
        os.mkdir(name, mode=0o700, dir_fd=self._fd)
        try:
            yield name, self._absolute / name
        finally:
            shutil.rmtree(name, ignore_errors=True, dir_fd=self._fd)

    def open_new(self, half: str, name: str) -> int:
        """A new file in such a folder, open for writing."""
        folder = os.open(half, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self._fd)
        try:
            return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
        finally:
            os.close(folder)

    def open_up(self, half: str, name: str, mode: int) -> None:
        """Give a restored folder the permissions that it had; restic closes the topmost one to others."""
        outer = os.open(half, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self._fd)
        folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=outer)
        of_the_group = os.fstat(folder).st_mode & stat.S_ISGID
        os.fchmod(folder, of_the_group | mode & 0o777)
        os.close(folder)
        os.close(outer)

    def take(self, half: str, name: str, *, is_folder: bool) -> str:
        """Give what was restored its place, under its own name or the next number; where it is in the volume."""
        for candidate in candidates(name):
            try:
                self._reserve(candidate, is_folder=is_folder)
                os.rename(f"{half}/{name}", candidate, src_dir_fd=self._fd, dst_dir_fd=self._fd)
            except FileExistsError:
                continue
            except OSError as error:
                if error.errno not in {errno.ENOTEMPTY, errno.EISDIR, errno.ENOTDIR}:
                    raise
                continue  # somebody put something there in this very moment
            return f"{self.path}/{candidate}"
        raise AssertionError  # candidates never end

    def _reserve(self, name: str, *, is_folder: bool) -> None:
        """Make something empty of that name, which the real thing then takes the place of; FileExistsError if taken."""
        if is_folder:
            os.mkdir(name, dir_fd=self._fd)
        else:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=self._fd))


def candidates(name: str) -> Iterator[str]:
    """``a.csv``, ``a (2).csv``, ``a (3).csv`` and so on."""
    yield name
    stem, dot, ending = name.rpartition(".")
    number = 2
    while True:
        yield f"{stem} ({number}).{ending}" if stem and dot else f"{name} ({number})"
        number += 1


def _folder(above: int, name: str, shown: str) -> int:
    """Open a folder by name, made if it is missing; a link is not followed."""
    try:
        os.mkdir(name, dir_fd=above)
    except FileExistsError:
        pass
    except OSError as error:
        raise TaskError(f"'{shown}' can't be made: {_why(error)}.") from error
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
    except OSError as error:
        raise TaskError(f"'{shown}' is no folder of its own: rename it, and try again.") from error


def _why(error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "the disk is full; delete something, and try again"
    return os.strerror(error.errno or 0)
