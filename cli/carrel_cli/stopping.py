"""When a server stops by itself, in a sentence with the time of the clock on the wall."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Local = Callable[[datetime], datetime]


def sentence(answer: Mapping[str, Any], local: Local = datetime.astimezone) -> str:
    """What the hub's answer says of the next stop; ``local`` turns a time into one of here."""
    stops, kept = _time(answer.get("will_stop_at"), local), _time(answer.get("keep_until"), local)
    if stops:
        return f"The server stops at {stops} if nothing runs in it before."
    if kept:
        return f"The server is kept until {kept} at least, and for as long as something runs in it."
    if allowed := answer.get("idle_timeout"):
        return f"The server stops when nothing has run in it for {_duration(allowed)}."
    return "The server does not stop by itself."


def _time(text: Any, local: Local) -> str:  # noqa: ANN401 - of any JSON
    if not isinstance(text, str):
        return ""
    return local(datetime.fromisoformat(text)).strftime("%H:%M %Z on %-d %B")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds % 3600 else f"{seconds / 3600:.0f} h"
