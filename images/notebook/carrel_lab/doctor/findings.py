"""What was found at one link of the chain: a state, a sentence, and the command that mends it."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class State(StrEnum):
    """How a link is."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"  # an earlier link failed, or it is not in use here
    UNKNOWN = "unknown"


_MARKS = {State.OK: "✓", State.FAILED: "✗", State.SKIPPED: "–", State.UNKNOWN: "?"}  # noqa: RUF001 - a mark, not a minus


@dataclass(frozen=True, slots=True)
class Finding:
    """One link."""

    name: str
    state: State
    message: str
    command: str = ""

    @property
    def failed(self) -> bool:
        """Whether somebody has to mend it."""
        return self.state is State.FAILED

    def line(self) -> str:
        """For a terminal or a cell; the command stands below, so that it can be copied."""
        line = f"{_MARKS[self.state]} {self.name}: {self.message}"
        return f"{line}\n    {self.command}" if self.command else line

    def body(self) -> dict[str, str]:
        """As JSON has it."""
        return asdict(self)


def ok(name: str, message: str) -> Finding:
    """It holds."""
    return Finding(name, State.OK, message)


def failed(name: str, message: str, command: str) -> Finding:
    """It does not hold; the command mends it."""
    return Finding(name, State.FAILED, message, command)


def skipped(name: str, message: str) -> Finding:
    """It was not looked at, and why."""
    return Finding(name, State.SKIPPED, message)


def unknown(name: str, message: str) -> Finding:
    """It could not be told, and why."""
    return Finding(name, State.UNKNOWN, message)
