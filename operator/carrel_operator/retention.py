"""Which backups are kept: all of the last two days, and the newest of each of so many days, weeks and months.

The rules are restic's, for snapshots that restic does not keep; like there, days without a backup are not counted.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from carrel_operator.settings import Keep

# A backup before a new image must not give way to the next one of the same day.
_ALL_OF = timedelta(days=2)
# As many as a VolumeBackup lists.
MOST = 200


def kept(moments: Collection[datetime], keep: Keep, zone: ZoneInfo) -> set[datetime]:
    """Those to keep of the moments at which backups were made; the newest always."""
    newest_first = sorted(moments, reverse=True)
    stay = {each for each in newest_first if newest_first[0] - each <= _ALL_OF}
    rules: tuple[tuple[int, Callable[[datetime], tuple[int, ...]]], ...] = (
        (keep.daily, lambda local: (local.year, local.month, local.day)),
        (keep.weekly, lambda local: local.isocalendar()[:2]),
        (keep.monthly, lambda local: (local.year, local.month)),
    )
    for most, period in rules:
        seen: set[tuple[int, ...]] = set()
        for each in newest_first:
            of = period(each.astimezone(zone))
            if of not in seen and len(seen) < most:
                seen.add(of)
                stay.add(each)
    return set(sorted(stay, reverse=True)[:MOST])
