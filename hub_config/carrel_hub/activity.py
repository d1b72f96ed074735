"""What a server says of what runs in it, when that is worth a write, and what everybody is told of its stop.

A server tells durations and never times: its clock may be wrong, and an idle hour stays one when a clock jumps.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from carrel_operator import idle
from carrel_operator.api import Activity, InstanceType, Notebook
from carrel_operator.api.times import moment, stamp
from carrel_operator.settings import Cull

_A_YEAR = 366 * 86_400

# An idle time that is told a little differently is no news: so much, or this share of what is allowed if that is less.
_TOLERANCE = timedelta(seconds=60)
_SHARE = 20


class ActivityError(ValueError):
    """What was sent can't be used; the message says why."""


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something runs (``busy``), or nothing has for so many seconds."""

    busy: bool = False
    idle_for: Annotated[float, Meta(ge=0, le=_A_YEAR)] = 0.0


def parse(content: bytes) -> Report:
    """Read what a server sent; ActivityError says what is wrong with it."""
    try:
        return msgspec.json.decode(content, type=Report)
    except msgspec.DecodeError as error:
        message = f"The report can't be used: {error}."
        raise ActivityError(message) from error


def believed(
    known: Notebook, report: Report, size: InstanceType | None, policy: Cull, now: datetime
) -> Notebook:
    """The Notebook as it is by that report; the known one itself where the difference is not worth a write."""
    if not known.status.started_at:
        return known  # the operator has not seen it run; what is told meanwhile comes again
    since = "" if report.busy else stamp(now - timedelta(seconds=report.idle_for))
    told = replace(known, activity=Activity(known.session, report.busy, since))
    return (
        told if _is_news(idle.idle_since(known), idle.idle_since(told), idle.timeout(size, policy)) else known
    )


def _is_news(known: datetime | None, said: datetime | None, allowed: timedelta | None) -> bool:
    if known is None or said is None:
        return known is not said
    return abs(known - said) > (min(_TOLERANCE, allowed / _SHARE) if allowed else _TOLERANCE)


def view(notebook: Notebook | None, size: InstanceType | None, policy: Cull, now: datetime) -> dict[str, Any]:
    """What pages, the command and the server itself are told; times in UTC, durations in seconds."""
    stop = idle.planned(notebook, size, policy) if notebook else None
    allowed, kept = idle.timeout(size, policy), idle.kept_until(notebook, policy) if notebook else None
    since = idle.idle_since(notebook) if notebook and notebook.running else None
    return {
        "will_stop_at": stamp(stop.at) if stop else None,
        "stops_in": (stop.at - now).total_seconds() if stop else None,
        "idle_since": stamp(since) if since else None,
        "idle_timeout": allowed.total_seconds() if allowed else None,
        "keep_until": stamp(kept) if kept and kept > now else None,
        "keep_at_most": policy.keep_at_most if allowed else 0,
        "message": notebook.status.message if notebook else "",
    }


def last_used(notebook: Notebook, elsewhere: datetime | None) -> Notebook:
    """The Notebook by what JupyterHub knows, for a server that has never said anything itself."""
    silent = notebook.activity is None or notebook.activity.session != notebook.session
    started = moment(notebook.status.started_at)
    if not silent or elsewhere is None or started is None or elsewhere <= started:
        return notebook
    return replace(notebook, activity=Activity(notebook.session, busy=False, idle_since=stamp(elsewhere)))
