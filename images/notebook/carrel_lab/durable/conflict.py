"""Two servers changed one file: what becomes of both changes.

It happens when members of a project open the same file each in their own server. Documents are merged cell by cell;
where both changed the same cell the disk's wins, and the caller keeps a copy of the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

Content = dict[str, Any] | str
Cell = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Merge:
    """The content to go on with, and whether something of ours is not in it."""

    content: Content
    lost: bool


def merged(base: Content | None, ours: Content, theirs: Content) -> Merge:
    """Our changes since ``base`` on top of what is on the disk; without a base nothing can be told apart."""
    if theirs in (base, ours):
        return Merge(ours, lost=False)
    if ours == base:
        return Merge(theirs, lost=False)
    if isinstance(base, dict) and isinstance(ours, dict) and isinstance(theirs, dict):
        return _notebook(base, ours, theirs)
    return Merge(theirs, lost=True)


def copy_path(path: str, person: str, now: datetime) -> str:
    """Where a copy of ``path`` lies: beside it, with the name of its author and the time."""
    whole = PurePosixPath(path)
    return str(whole.with_name(f"{whole.stem} ({person}, {now:%Y-%m-%d %H.%M.%S}){whole.suffix}"))


def _notebook(base: Cell, ours: Cell, theirs: Cell) -> Merge:
    before, mine, other = (_by_id(each.get("cells", ())) for each in (base, ours, theirs))
    lost = False
    cells: list[Cell] = []
    for name, cell in other.items():
        chosen, both = _chosen(before.get(name), mine.get(name), cell)
        lost = lost or both
        if chosen is not None:
            cells.append(chosen)
    after = None
    for name, cell in mine.items():
        # new of ours, or changed by us and deleted by them
        if name not in other and cell != before.get(name):
            cells.insert(_place(cells, after), cell)
        after = name
    return Merge({**theirs, "cells": cells}, lost)


def _chosen(before: Cell | None, mine: Cell | None, other: Cell) -> tuple[Cell | None, bool]:
    """One cell that is on the disk, or None if it is deleted; and whether a change of ours is not in it."""
    if mine in (other, before):
        return other, False
    if before == other:
        return mine, False
    return other, mine is not None


def _place(cells: list[Cell], after: str | None) -> int:
    for index, cell in enumerate(cells):
        if cell.get("id") == after:
            return index + 1
    return len(cells) if after else 0


def _by_id(cells: Iterable[Cell]) -> dict[str, Cell]:
    return {str(cell.get("id", index)): cell for index, cell in enumerate(cells)}
