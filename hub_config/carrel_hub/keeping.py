"""A person's wish that a server be kept for a while although nothing runs in it, and what is wrong with a bad one."""

from datetime import UTC, datetime, timedelta
from typing import Any

from carrel_operator import idle
from carrel_operator.api.times import stamp
from carrel_operator.settings import Cull

UNTIL, FOR = "keep_until", "keep_for"

# Whoever computes "24 hours from now" on another machine has another now.
_CLOCKS_DIFFER = timedelta(minutes=5)


class KeepError(ValueError):
    """The wish can't be granted; the message says why and what could be."""


def until(fields: dict[str, Any], policy: Cull, now: datetime) -> datetime | None:
    """The time asked for, by ``keep_until`` or ``keep_for``; None for a server that is to stop as usual again."""
    if UNTIL in fields and FOR in fields:
        message = f"Say {UNTIL} or {FOR}, not both."
        raise KeepError(message)
    wanted = _time(fields[UNTIL]) if UNTIL in fields else _after(fields[FOR], now)
    if wanted is None:
        return None
    if not policy.enabled:
        raise KeepError("Servers are not stopped for idleness here, so there is nothing to keep.")
    if wanted <= now:
        message = f"{UNTIL} is {stamp(wanted)}, and that has passed: it is {stamp(now)}."
        raise KeepError(message)
    latest = now + timedelta(seconds=policy.keep_at_most)
    if wanted > latest + _CLOCKS_DIFFER:
        raise KeepError(_too_long(policy, latest))
    return min(wanted, latest)


def _too_long(policy: Cull, latest: datetime) -> str:
    if not policy.keep_at_most:
        return "Servers can't be kept here: your administrator has set no time for it."
    return f"A server can be kept for {idle.words(policy.keep_at_most)} at a time, now until {stamp(latest)}."


def _time(value: Any) -> datetime | None:  # noqa: ANN401 - whatever was sent
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        message = f'{UNTIL} must be a time with its zone, such as "2026-11-28T02:00:00Z", or null.'
        raise KeepError(message)
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        message = f"{UNTIL} is out of all bounds."
        raise KeepError(message) from error


def _after(value: Any, now: datetime) -> datetime | None:  # noqa: ANN401
    if value is None:
        return None
    seconds = idle.seconds(value) if isinstance(value, str) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 10**8:
        message = f'{FOR} must be a time such as "8h" or "1h30m", a number of seconds, or null.'
        raise KeepError(message)
    return now + timedelta(seconds=seconds)
