"""What the doctor found, as lines for a terminal."""

from collections.abc import Iterator
from typing import Any

_MARKS = {"ok": "✓", "failed": "✗", "skipped": "–"}  # noqa: RUF001 - a mark, not a minus
_CLAIM = (
    "What follows the server says of itself, and its owner can change that: read a command before you run it."
)


def lines(answer: dict[str, Any], *, own: bool) -> Iterator[str]:
    """One line each, and below a failed one the command that mends it."""
    inside = False
    for each in answer["findings"]:
        if each["where"] == "server" and not inside:
            inside = True
            if not own:
                yield _CLAIM
        yield f"{_MARKS.get(each['state'], '?')} {each['name']}: {each['message']}"
        if each["command"]:
            yield f"    {each['command']}"


def well(answer: dict[str, Any]) -> bool:
    """Whether nothing failed."""
    return all(each["state"] != "failed" for each in answer["findings"])
