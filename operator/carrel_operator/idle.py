"""When a server stops by itself: a rule over what its Notebook says, the same for the operator that publishes the time
and for the hub that acts on it.

``max(idleSince + idleTimeout, keepUntil)``; never while something runs; and at ``maxAge`` whatever it does. All
times are UTC. Nothing here asks what time it is now, so an answer changes only when what it is made of does.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from carrel_operator.api import InstanceType, Notebook
from carrel_operator.api.times import moment
from carrel_operator.settings import Cull

NEVER = "never"

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_UNITS = (3600, 60, 1)


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop that will come unless something happens before."""

    at: datetime
    idle_since: datetime | None  # None: it is for the server's age alone


def planned(notebook: Notebook, size: InstanceType | None, policy: Cull) -> Stop | None:
    """The stop that a running server goes towards; None while it does not."""
    started = moment(notebook.status.started_at)
    if started is None or not notebook.running:
        return None
    found = _for_idleness(notebook, started, size, policy)
    if policy.enabled and policy.max_age:
        of_age = started + timedelta(seconds=policy.max_age)
        if found is None or of_age < found.at:
            return Stop(of_age, None)
    return found


def idle_since(notebook: Notebook) -> datetime | None:
    """Since when nothing has run in a running server: as it said itself, else since its start. None while it is busy."""
    started, activity = moment(notebook.status.started_at), notebook.activity
    if activity is None or activity.session != notebook.session:
        return started
    since = moment(activity.idle_since)
    if activity.busy or since is None or started is None:
        return None if activity.busy else started
    return max(since, started)


def timeout(size: InstanceType | None, policy: Cull) -> timedelta | None:
    """How long a server of that size may be idle; None for as long as it likes."""
    if not policy.enabled:
        return None
    own = size.idle_timeout if size else ""
    if own == NEVER:
        return None
    return timedelta(seconds=seconds(own) or policy.timeout)


def kept_until(notebook: Notebook, policy: Cull) -> datetime | None:
    """Until when a person wants the server kept, and not longer than they may: counted from when they said so."""
    until = moment(notebook.keep_until)
    if until is None:
        return None
    known = (moment(notebook.keep_asked_at), idle_since(notebook), moment(notebook.status.started_at))
    said = max((each for each in known if each), default=None)
    return min(until, said + timedelta(seconds=policy.keep_at_most)) if said else until


def seconds(duration: str) -> int | None:
    """``8h``, ``1h30m``, ``45s`` in seconds; None if it is nothing of that kind, or nothing at all."""
    found = _DURATION.fullmatch(duration)
    if not found:
        return None
    return (
        sum(int(number) * unit for number, unit in zip(found.groups(default="0"), _UNITS, strict=True))
        or None
    )


def words(duration: float) -> str:
    """Seconds as a person says them: ``24 hours``, ``90 minutes``, ``20 seconds``."""
    whole = round(duration)
    for unit, name in zip(_UNITS, ("hour", "minute", "second"), strict=True):
        if whole % unit == 0 and whole >= unit:
            number = whole // unit
            return f"{number} {name}" if number == 1 else f"{number} {name}s"
    return "no time"


def farewell(stop: Stop, now: datetime) -> str:
    """Why a server was stopped, for its owner who finds it so."""
    at = now.astimezone(UTC)
    if stop.idle_since is None:
        return f"It was stopped at {_clock(at, at)}, because no server may run for longer. {_SAFE}"
    since = _clock(stop.idle_since.astimezone(UTC), at)
    return f"It was stopped at {_clock(at, at)}, because nothing had run since {since}. {_SAFE}"


_SAFE = "Your files are safe; start it again."


def _for_idleness(
    notebook: Notebook, started: datetime, size: InstanceType | None, policy: Cull
) -> Stop | None:
    since, allowed = idle_since(notebook), timeout(size, policy)
    if since is None or allowed is None:
        return None
    kept = kept_until(notebook, policy) or started
    return Stop(max(since + allowed, kept), since)


def _clock(time: datetime, today: datetime) -> str:
    """``13:05 UTC``, with the day when it is another one."""
    return time.strftime("%H:%M UTC") if time.date() == today.date() else time.strftime("%-d %B %H:%M UTC")
