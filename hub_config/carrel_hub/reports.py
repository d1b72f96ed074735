"""What a server's own agent reports: memory and disk in use, what was stopped for it, whether queries get through.

The agent runs beside the person's own code and with the same token, so a report is taken for a claim: every
length is bounded, unknown fields are refused, and it can change nothing but these few fields of its own Notebook.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from carrel_operator.api import Notebook, status

_Bytes = Annotated[int, Meta(ge=0, le=2**60)]
_Project = Annotated[str, Meta(pattern="^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
_Sentence = Annotated[str, Meta(min_length=1, max_length=1024)]

# A peak is worth a write when it is this much higher than the one that was written.
_WORTH_TELLING = 1.05


class Action(StrEnum):
    """What was stopped when memory ran out."""

    INTERRUPTED = "Interrupted"
    KERNEL_KILLED = "KernelKilled"
    SERVER_KILLED = "ServerKilled"


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping in which every key is known."""


class Kill(_Part, frozen=True):
    """The end of a cell, a kernel or a server for lack of memory."""

    at: Annotated[datetime, Meta(tz=True)]
    action: Action
    message: _Sentence
    kernel: Annotated[str, Meta(max_length=64)] | None = None
    notebook: Annotated[str, Meta(max_length=1024)] | None = None
    cell: Annotated[str, Meta(max_length=256)] | None = None
    peak: _Bytes | None = None
    limit: _Bytes | None = None

    def body(self) -> dict[str, str]:
        """As the Notebook's status has it."""
        fields = {
            "at": self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "action": str(self.action),
            "message": self.message,
            "kernel": self.kernel,
            "notebook": self.notebook,
            "cell": self.cell,
            "peak": None if self.peak is None else str(self.peak),
            "limit": None if self.limit is None else str(self.limit),
        }
        return {key: value for key, value in fields.items() if value}


class Memory(_Part, frozen=True):
    """The most that was in use, in bytes, and what was stopped last."""

    peak: _Bytes | None = None
    last_kill: Kill | None = None


class Disk(_Part, frozen=True):
    """How full a volume's file system is, in bytes."""

    used: _Bytes
    size: Annotated[int, Meta(gt=0, le=2**60)]

    @property
    def percent(self) -> int:
        """Never above 100, whatever is reported."""
        return min(100, self.used * 100 // self.size)

    def body(self, name: str) -> dict[str, Any]:
        """As the Notebook's status has it."""
        figures = {"used": str(self.used), "fileSystem": str(self.size)}
        return {"name": name, **figures, "usedPercent": self.percent}


class Identity(_Part, frozen=True):
    """Whether the warehouse lets the server's queries in, and what is missing if not."""

    ready: bool
    message: Annotated[str, Meta(max_length=1024, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""

    def news(self, notebook: Notebook) -> status.Identity | None:
        """What to write; that all is well is news only where something else was said of this session."""
        found = status.Identity(notebook.session, self.ready, "" if self.ready else self.message)
        known = notebook.identity
        if known and known.session == notebook.session:
            return found if found != known else None
        return None if found.ready else found


class Report(_Part, frozen=True):
    """One report; what is left out has not changed."""

    memory: Memory | None = None
    identity: Identity | None = None
    home: Disk | None = None
    projects: Annotated[dict[_Project, Disk], Meta(max_length=100)] | None = None  # all that are mounted


class ReportError(ValueError):
    """The report can't be used; the message names the field."""


def parse(content: bytes) -> Report:
    """Read a report; ReportError says what is wrong with it."""
    try:
        return msgspec.json.decode(content, type=Report)
    except msgspec.DecodeError as error:
        message = f"The report can't be used: {error}."
        raise ReportError(message) from error


class Told:
    """What of one server's reports was written, so that nothing is written twice."""

    def __init__(self) -> None:
        self.kill: Kill | None = None
        self._session, self._peak = "", 0
        self._percent = -1
        self._projects: dict[str, int] = {}

    def news(self, report: Report, session: str) -> dict[str, dict[str, Any]]:
        """Parts of the status to write, by the topic that they are about; the peak is that of a session."""
        found: dict[str, dict[str, Any]] = {}
        if session != self._session:
            self._session, self._peak = session, 0
        if (
            report.memory
            and (peak := report.memory.peak)
            and not self._peak <= peak <= self._peak * _WORTH_TELLING
        ):
            self._peak = peak
            found["memory"] = {"memory": {"peak": str(peak), "session": session}}
        if report.memory and report.memory.last_kill and report.memory.last_kill != self.kill:
            self.kill = report.memory.last_kill
            found["kill"] = {"memory": {"lastKill": self.kill.body()}}
        if report.home and report.home.percent != self._percent:
            self._percent = report.home.percent
            found["home"] = {"volumes": [report.home.body("home")]}
        if report.projects is not None:
            percents = {name: each.percent for name, each in report.projects.items()}
            if percents != self._projects:
                self._projects = percents
                volumes = [each.body(name) for name, each in sorted(report.projects.items())]
                found["projects"] = {"projectVolumes": volumes}
        return found
