"""Once a night at the same time of the clock on the wall, through daylight saving and clocks that jump.

On the day on which the time does not exist it is an hour later, on the day on which it comes twice it is the first:
so every calendar day has one. A zone that leaves out a whole day has two at the same moment, which is one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

# A clock that was wrong may have left a time of the future behind; what is further away than this, nobody did yet.
_FUTURE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Nightly:
    """A time of day in a time zone."""

    at: time
    zone: ZoneInfo

    def last(self, now: datetime) -> datetime:
        """The newest time that has come; ``now`` is aware, the result is in UTC."""
        return max(each for each in self._around(now) if each <= now)

    def next(self, now: datetime) -> datetime:
        """The next time that is to come."""
        return min(each for each in self._around(now) if each > now)

    def missed(self, done: datetime, now: datetime) -> bool:
        """Whether a time has come since it was last done; one time, however many have."""
        return done < self.last(now) or done > now + _FUTURE

    def _around(self, now: datetime) -> list[datetime]:
        today = now.astimezone(self.zone).date()
        days = (today + timedelta(days=offset) for offset in range(-2, 3))
        return [datetime.combine(day, self.at, self.zone).astimezone(UTC) for day in days]
