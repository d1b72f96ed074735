"""One link between a notebook and the warehouse, as the hub's doctor tells it: a state, a sentence, a command."""

import re
from dataclasses import asdict, dataclass
from typing import Any

OK, FAILED, SKIPPED, UNKNOWN = "ok", "failed", "skipped", "unknown"

_MOST = 100
_LONGEST = 2048
# what would move the cursor, or hide a part of a line, in somebody's terminal
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069]")


@dataclass(frozen=True, slots=True)
class Finding:
    """One link; ``where`` is who looked: the hub, or the server itself, which its owner can make say anything."""

    name: str
    state: str
    message: str
    command: str = ""
    where: str = "hub"

    def body(self) -> dict[str, str]:
        """As JSON has it."""
        return asdict(self)


def judged(name: str, wrong: str, well: str, command: str) -> Finding:
    """A failure if something is wrong, else that all is well."""
    return Finding(name, FAILED, wrong, command) if wrong else Finding(name, OK, well)


def of_server(document: Any) -> list[Finding]:  # noqa: ANN401 - whatever the server sent
    """What a server says of itself: a claim, bounded, and made printable."""
    listed = document.get("findings") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        return [Finding("notebook", UNKNOWN, "The server does not answer like a doctor: its image is older.")]
    return [_claimed(each) for each in listed[:_MOST] if isinstance(each, dict)]


def _claimed(body: dict[str, Any]) -> Finding:
    name, state, message, command = (
        _UNPRINTABLE.sub(" ", str(body.get(key, "")))[:_LONGEST]
        for key in ("name", "state", "message", "command")
    )
    known = state if state in {OK, FAILED, SKIPPED} else UNKNOWN
    return Finding(name, known, message, command, where="server")
