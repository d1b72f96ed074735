"""Where a path is, and how far a restore is: pure answers for the commands about backups."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from carrel_cli.hub import HubError
from carrel_cli.waiting import Step

_PROJECTS = "/projects"


@dataclass(frozen=True, slots=True)
class Place:
    """A path as the hub wants it: from the top of the home, or of a project's files."""

    path: str
    project: str = ""


def place(typed: str, project: str, folder: str, home: str) -> Place:
    """What somebody in ``folder`` means by a path; HubError when it is in no home and no project.

    With an empty ``home``, on another machine, a path is meant as it is typed.
    """
    if project or not home:
        return Place(typed, project)
    whole = posixpath.normpath(posixpath.join(folder, posixpath.expanduser(typed)))
    for top in (_PROJECTS, f"{home}{_PROJECTS}"):  # the second is a link to the first
        if whole.startswith(f"{top}/"):
            name, _, rest = whole.removeprefix(f"{top}/").partition("/")
            return Place(rest or ".", name)
    if whole == home:
        return Place(".")
    if whole.startswith(f"{home}/"):
        return Place(whole.removeprefix(f"{home}/"))
    message = f"'{whole}' is in no home and in no project: say the file or folder as it was in yours."
    raise HubError(message)


def lines(answer: dict[str, Any], project: str) -> Iterator[str]:
    """The backups of the home or of a project, the newest first, in the time of this machine."""
    for each in answer["files"]:
        if each["project"] == project:
            yield from (_local(one["at"]) for one in each["snapshots"])
            yield str(each["message"])
            return
    names = ", ".join(each["project"] for each in answer["files"] if each["project"]) or "none"
    message = f"You can't restore files of a project '{project}'. Those that you can: {names}."
    raise HubError(message)


def restore_step(restore: dict[str, Any], top: str) -> Step:
    """How far a restore is; ``top`` is where its files are, as this machine knows it."""
    phase, message = restore["phase"], str(restore["message"])
    if phase == "Done" and top:
        return Step(f"{message.rstrip('.')}, which is {posixpath.join(top, restore['into'])}.", done=True)
    return Step(message, done={"Done": True, "Failed": False}.get(phase))


def top_of(project: str, home: str) -> str:
    """Where the files of the home or of a project are inside a server; empty on another machine."""
    if not home:
        return ""
    return f"{_PROJECTS}/{project}" if project else home


def _local(at: str) -> str:
    return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"
