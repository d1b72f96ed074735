"""Which backups are kept, by the calendar of the time zone and as restic keeps them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel_operator.retention import MOST, kept
from carrel_operator.settings import Keep

BERLIN = ZoneInfo("Europe/Berlin")
LAST = datetime(2026, 11, 27, 1, 30, tzinfo=UTC)  # a Friday
NIGHTS = [LAST - timedelta(days=ago) for ago in range(400)]
NOTHING = Keep(daily=0, weekly=0, monthly=0)


def days(moments: set[datetime]) -> list[str]:
    return [f"{each:%m-%d}" for each in sorted(moments, reverse=True)]


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (NOTHING, ["11-27", "11-26", "11-25"]),
        (Keep(daily=5, weekly=0, monthly=0), ["11-27", "11-26", "11-25", "11-24", "11-23"]),
        (Keep(daily=0, weekly=3, monthly=0), ["11-27", "11-26", "11-25", "11-22", "11-15"]),
        (Keep(daily=0, weekly=0, monthly=3), ["11-27", "11-26", "11-25", "10-31", "09-30"]),
        (Keep(daily=2, weekly=2, monthly=2), ["11-27", "11-26", "11-25", "11-22", "10-31"]),
    ],
)
def test_the_newest_of_each_day_week_and_month(keep: Keep, expected: list[str]) -> None:
    assert days(kept(NIGHTS, keep, BERLIN)) == expected


def test_days_without_a_backup_do_not_count() -> None:
    sparse = [LAST - timedelta(days=ago) for ago in (0, 10, 20, 30)]
    assert kept(sparse, Keep(daily=3, weekly=0, monthly=0), BERLIN) == set(sparse[:3])


def test_a_day_is_one_of_the_time_zone() -> None:
    of_one_night = [datetime(2026, 11, 20, 22, 30, tzinfo=UTC), datetime(2026, 11, 20, 23, 30, tzinfo=UTC)]
    keep = Keep(daily=3, weekly=0, monthly=0)
    assert kept([LAST, *of_one_night], keep, BERLIN) == {LAST, *of_one_night}
    assert kept([LAST, *of_one_night], keep, ZoneInfo("UTC")) == {LAST, of_one_night[1]}


def test_all_of_two_days_are_kept_but_never_more_than_are_listed() -> None:
    often = [LAST - timedelta(minutes=each) for each in range(2 * MOST)]
    assert kept(often, NOTHING, BERLIN) == set(often[:MOST])


moments = st.sets(
    st.datetimes(
        datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2026-12-31"), timezones=st.just(UTC)
    ),
    max_size=40,
)
numbers = st.integers(0, 10)


@given(moments, numbers, numbers, numbers)
def test_keeping_is_settled_and_grows_with_what_is_asked_for(
    there: set[datetime], daily: int, weekly: int, monthly: int
) -> None:
    keep = Keep(daily=daily, weekly=weekly, monthly=monthly)
    stay = kept(there, keep, BERLIN)
    assert stay <= there
    assert not there or max(there) in stay
    assert kept(stay, keep, BERLIN) == stay, "what was kept once is not let go of without a newer one"
    assert stay <= kept(there, Keep(daily=daily + 1, weekly=weekly + 1, monthly=monthly + 1), BERLIN)
    local_days = {each.astimezone(BERLIN).date() for each in there}
    newest_days = sorted(local_days, reverse=True)[:daily]
    assert {each.astimezone(BERLIN).date() for each in stay} >= set(newest_days)
