"""Looks through a project's folder for what the team can't use, and mends it: run in a pod, never in the operator.

A team may do with a file what its owner may, and whatever is new in a folder belongs to the team: that is what is
checked. Nobody here is root. Only its owner may change a file's mode, so ``mend`` runs once under the number of each
owner; what belongs to nobody Carrel knows, such as root, is replaced by a copy where it can be read.

Everything below the folder is what people made it: names may be anything, links may lead anywhere, and files may be
swapped while this runs. So nothing follows a link, and every change is made through a handle on the very file seen.
"""

import json
import os
import secrets
import shutil
import stat
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

EXAMPLES = 3
OWNERS = 50  # told at once; the next round tells the next ones
_LONGEST_PATH = 120
_COPY_PREFIX = ".carrel-"
TERMINATION_LOG = Path("/dev/termination-log")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a folder: its name in the open folder ``folder``, and its path for people."""

    folder: int
    name: str
    path: str
    info: os.stat_result


@dataclass(slots=True)
class Survey:
    """What was found: how many entries, how many of them the team can't use, whose they are, and a few examples."""

    entries: int = 0
    odd: int = 0
    hidden: int = 0  # folders that could not be looked into
    owners: Counter[int] = field(default_factory=Counter)
    examples: list[dict[str, str | int]] = field(default_factory=list)

    def take(self, entry: Entry, group: int) -> None:
        """Count an entry."""
        self.entries += 1
        if not is_odd(entry.info, group):
            return
        self.odd += 1
        self.owners[entry.info.st_uid] += 1
        if len(self.examples) < EXAMPLES:
            mode = format(stat.S_IMODE(entry.info.st_mode), "o")
            self.examples.append({"path": _printable(entry.path), "uid": entry.info.st_uid, "mode": mode})

    def body(self) -> dict[str, object]:
        """As the pod's last words have it."""
        return asdict(self) | {"owners": [uid for uid, _ in self.owners.most_common(OWNERS)]}


def is_odd(info: os.stat_result, group: int) -> bool:
    """Whether the team can't do with it what its owner can; links have no rights of their own."""
    if stat.S_ISLNK(info.st_mode):
        return False
    return info.st_gid != group or stat.S_IMODE(info.st_mode) != right_mode(info.st_mode)


def right_mode(mode: int) -> int:
    """The same with the owner's rights for the group too, and the mark that hands a folder's group on."""
    right = stat.S_IMODE(mode) | (mode & stat.S_IRWXU) >> 3
    return right | stat.S_ISGID if stat.S_ISDIR(mode) else right


def survey(root: Path, group: int) -> Survey:
    """Look at everything below ``root``."""
    found = Survey()

    def hidden(_: OSError) -> None:
        found.hidden += 1

    for entry in _entries(root, hidden):
        found.take(entry, group)
    return found


def mend(root: Path, group: int) -> None:
    """Give the team what its owner, whose number this runs under, has made in another way."""
    for entry in _entries(root):
        if entry.info.st_uid == os.geteuid() and is_odd(entry.info, group):
            with suppress(OSError):  # gone or another one meanwhile: the next survey tells
                _mend(entry, group)


def take_over(root: Path, group: int, first: int, last: int) -> None:
    """Replace files of strangers, whose number is not from ``first`` to ``last``, by copies of one's own."""
    for entry in _entries(root):
        stranger = not first <= entry.info.st_uid <= last
        if stranger and stat.S_ISREG(entry.info.st_mode):
            with suppress(OSError):  # unreadable, no space, or no right to write in that folder
                _replace(entry, group)


def _entries(root: Path, hidden: Callable[[OSError], None] | None = None) -> Iterator[Entry]:
    """Everything below ``root``, a folder always before what is in it, without going through any link."""
    for place, folders, files, handle in os.fwalk(root, onerror=hidden, follow_symlinks=False):
        for name in (*folders, *files):
            with suppress(OSError):
                info = os.stat(name, dir_fd=handle, follow_symlinks=False)
                yield Entry(handle, name, os.path.relpath(os.path.join(place, name), root), info)  # noqa: PTH118


def _mend(entry: Entry, group: int) -> None:
    handle = os.open(entry.name, os.O_PATH | os.O_NOFOLLOW, dir_fd=entry.folder)
    try:
        info = os.fstat(handle)
        if (info.st_dev, info.st_ino) != (entry.info.st_dev, entry.info.st_ino):
            return
        same_file = f"/proc/self/fd/{handle}"  # what the handle is on, whatever bears its name by now
        os.chown(same_file, -1, group)
        os.chmod(same_file, right_mode(info.st_mode))  # noqa: PTH101 - after chown, which takes marks away
    finally:
        os.close(handle)


def _replace(entry: Entry, group: int) -> None:
    draft = f"{_COPY_PREFIX}{secrets.token_hex(8)}"
    source = os.open(entry.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=entry.folder)
    try:
        info = os.fstat(source)
        if not stat.S_ISREG(info.st_mode):
            return
        copy = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=entry.folder)
        try:
            with os.fdopen(os.dup(source), "rb") as old, os.fdopen(copy, "wb", closefd=False) as new:
                shutil.copyfileobj(old, new, 1 << 20)
            os.fchown(copy, -1, group)
            os.fchmod(copy, right_mode(info.st_mode) & 0o777)
            os.utime(copy, ns=(info.st_atime_ns, info.st_mtime_ns))
            os.replace(draft, entry.name, src_dir_fd=entry.folder, dst_dir_fd=entry.folder)
        except OSError:
            with suppress(OSError):
                os.unlink(draft, dir_fd=entry.folder)
            raise
        finally:
            os.close(copy)
    finally:
        os.close(source)


def _printable(path: str) -> str:
    """A path that can stand in a sentence, whatever somebody called their files."""
    shown = "".join(each if each.isprintable() else "?" for each in path.encode("utf-8", "replace").decode())
    return shown if len(shown) <= _LONGEST_PATH else f"{shown[:_LONGEST_PATH]}…"


def main(arguments: list[str]) -> None:
    """``survey``, ``mend`` or ``take-over`` a folder; a survey's outcome are the container's last words."""
    parser = ArgumentParser()
    parser.add_argument("work", choices=("survey", "mend", "take-over"))
    parser.add_argument("root", type=Path)
    parser.add_argument("group", type=int)
    parser.add_argument("--people", type=int, nargs=2, default=(0, 2**32), metavar=("FIRST", "LAST"))
    asked = parser.parse_args(arguments)
    match asked.work:
        case "mend":
            mend(asked.root, asked.group)
        case "take-over":
            take_over(asked.root, asked.group, *asked.people)
        case _:
            TERMINATION_LOG.write_text(json.dumps(survey(asked.root, asked.group).body()))


if __name__ == "__main__":
    main(sys.argv[1:])
