"""The night comes once a day, whatever the clocks do."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrel_operator.schedule import Nightly

ZONES = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
MOMENTS = st.integers(631152000, 2114380800).map(
    lambda each: datetime.fromtimestamp(each, UTC)
)  # 1990 to 2037
NIGHTS = st.builds(Nightly, st.times().map(lambda each: each.replace(second=0, microsecond=0)), ZONES)
BERLIN = Nightly(time(2, 30), ZoneInfo("Europe/Berlin"))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@settings(deadline=None)  # a busy machine is no fault
@given(NIGHTS, MOMENTS)
def test_between_the_last_and_the_next_there_is_no_other(night: Nightly, now: datetime) -> None:
    last, following = night.last(now), night.next(now)
    assert last <= now < following
    assert night.next(last) == following
    assert night.last(following) == following
    assert following - last <= timedelta(hours=49)  # in a zone that left a day out


@settings(deadline=None)  # a busy machine is no fault
@given(NIGHTS, MOMENTS, st.integers(-(10**6), 10**6))
def test_what_was_done_now_is_not_missed_by_a_clock_that_is_set_back(
    night: Nightly, now: datetime, seconds: int
) -> None:
    then = now + timedelta(seconds=seconds)
    missed = night.missed(now, then)
    if then < now:
        assert missed == (now - then > timedelta(days=1))
    else:
        assert missed == (night.next(now) <= then)


@pytest.mark.parametrize(
    ("now", "following"),
    [
        ("2026-03-28T12:00", "2026-03-29T01:30"),  # 02:30 does not exist: half past three, once
        ("2026-03-29T01:30", "2026-03-30T00:30"),
        ("2026-10-24T12:00", "2026-10-25T00:30"),  # 02:30 comes twice: the first, once
        ("2026-10-25T00:30", "2026-10-26T01:30"),
        ("2026-11-27T00:00", "2026-11-27T01:30"),
    ],
)
def test_daylight_saving(now: str, following: str) -> None:
    assert BERLIN.next(utc(now)) == utc(following)


def test_several_missed_nights_are_made_up_once() -> None:
    done, now = utc("2026-11-20T01:30"), utc("2026-11-27T09:00")
    assert BERLIN.missed(done, now)
    assert not BERLIN.missed(now, now + timedelta(hours=1))


def test_a_time_of_the_far_future_was_a_wrong_clock() -> None:
    now = utc("2026-11-27T09:00")
    assert BERLIN.missed(utc("2036-01-01T00:00"), now)
    assert not BERLIN.missed(now + timedelta(minutes=5), now)
