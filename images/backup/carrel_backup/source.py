"""Where files are brought back from, whatever keeps them: what a restore asks of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

Answer = dict[str, Any]


class TaskError(Exception):
    """It can't be done; the text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One backup of the volume."""

    id: str
    at: datetime


class Source(Protocol):
    """The backups of one volume. Paths in them begin with a slash; a TaskError says what can't be read."""

    def snapshots(self) -> list[Snapshot]:
        """All backups there are."""

    def nodes(self, snapshot: Snapshot, path: str, *, recursive: bool = False) -> Iterator[Answer]:
        """What is at that path and directly, or everywhere, below it; nothing when there is nothing.

        Each has a ``path``, a ``name``, a ``type`` (``file``, ``dir``, ``symlink`` or another), and a file a ``size``,
        a ``mode`` and an ``mtime``.
        """

    def having(self, path: str) -> set[str]:
        """The backups in which there is something at exactly that path, by id."""

    def dump(self, snapshot: Snapshot, path: str, into: int) -> None:
        """Write one file's content to an open file."""

    def restore(self, snapshot: Snapshot, path: str, into: Path) -> int:
        """Make a folder with what is in one; the number of files that could not be written."""
