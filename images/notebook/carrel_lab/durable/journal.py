"""Which cells run, on the home's disk: for the server that comes after one that ended without a word.

Only cells that run for some seconds are written down, so ordinary work writes nothing. What is read back was written
by a person's own programs as far as anybody knows, so nothing is believed that is not of the right shape, and nothing
is done but what ``cut`` allows.
"""

import contextlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

_FOLDER = Path(".local/share/carrel/running")
_LARGEST = 2**16
_LONGEST_PATH = 4096
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Running:
    """A cell that runs. ``request`` is the name of this one run, which the cell bears while it lasts."""

    path: str
    cell: str
    request: str


@dataclass(frozen=True, slots=True)
class Ended:
    """What the server before this one left unfinished, and when it was last seen alive."""

    cells: tuple[Running, ...] = ()
    at: datetime = _NEVER


class Journal:
    """One server's own file: a person may have several servers in one home."""

    def __init__(self, home: Path, server: str) -> None:
        self._file = home / _FOLDER / f"{sha256(server.encode()).hexdigest()[:16]}.json"
        self._written: frozenset[Running] = frozenset()

    def note(self, running: Iterable[Running]) -> None:
        """These run now. A full disk is no reason to stop: the journal is a comfort, not a need."""
        now = frozenset(running)
        with contextlib.suppress(OSError):
            if not now:
                if self._written:
                    self._file.unlink(missing_ok=True)
            elif now == self._written:
                os.utime(self._file, follow_symlinks=False)
            else:
                self._write(now)
            self._written = now

    def _write(self, running: frozenset[Running]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        with fresh.open("x") as file:
            json.dump([asdict(each) for each in sorted(running, key=lambda each: each.request)], file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)

    def found(self) -> Ended:
        """What the server before this one wrote last."""
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
                at = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
                content = file.read(_LARGEST + 1)
            entries = json.loads(content) if len(content) <= _LARGEST else ()
        except (OSError, ValueError, RecursionError):
            return Ended()
        entries = entries if isinstance(entries, list) else ()
        return Ended(tuple(found for each in entries if (found := _running(each))), at)

    def clear(self) -> None:
        """All that was found has been dealt with."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)


def _running(entry: object) -> Running | None:
    values = [entry.get(key) for key in ("path", "cell", "request")] if isinstance(entry, dict) else [None]
    if not all(isinstance(value, str) and 0 < len(value) <= _LONGEST_PATH for value in values):
        return None
    return Running(*map(str, values))
