"""Which of several backups a person means by a date: the newest of then or before."""

import re
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

# A day means all of it, a minute its 60 seconds: so a time that was read off a list finds what it was read off.
_PRECISION = re.compile(r"\d{4}-\d\d-\d\d(?P<minute>[ T]\d\d:\d\d(?P<second>:\d\d(?P<exact>\.\d+)?)?)?")


class NoBackupError(ValueError):
    """There is no backup of then or before, or it is no date; the text is a sentence for people."""


def chosen(moments: Iterable[datetime], as_of: str, zone: ZoneInfo) -> datetime:
    """The newest moment of that day or before, or of all for an empty text. NoBackupError when there is none."""
    there = sorted(moments)
    if not there:
        raise NoBackupError("There is no backup yet. The first one is made tonight.")
    if not as_of:
        return there[-1]
    until = _end(as_of, zone)
    before = [each for each in there if each <= until]
    if not before:
        message = f"There is no backup from {as_of} or before. The oldest is of {shown(there[0], zone)}."
        raise NoBackupError(message)
    return before[-1]


def shown(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as people say it."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _end(as_of: str, zone: ZoneInfo) -> datetime:
    """The last moment that ``as_of`` means."""
    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError as error:
        message = f"'{as_of}' is no date: say it as 2026-11-26 or 2026-11-26T14:00."
        raise NoBackupError(message) from error
    given = _PRECISION.match(as_of)
    if given is None or given["exact"]:
        last = moment
    elif given["second"]:
        last = moment.replace(microsecond=999_999)
    elif given["minute"]:
        last = moment.replace(second=59, microsecond=999_999)
    else:
        last = moment.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return last if last.tzinfo else last.replace(tzinfo=zone)
