"""The hours of servers: whatever the moments at which is looked, no second is lost and none counted twice."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from carrel_warehouse.ledger.hours import Counted, Run, count, runs_to_count
from carrel_warehouse.ledger.store import Time

START = datetime(2026, 11, 28, 22, tzinfo=UTC)
RUN = Run("uid-1", "ada", "", "ada", "small", 0.5, START)
moments = st.floats(0, 300_000).map(lambda seconds: START + timedelta(seconds=seconds))


def total(times: Sequence[Time]) -> float:
    return sum(each.seconds for each in times)


@given(ticks=st.lists(moments, max_size=20), ended=moments)
def test_all_seconds_are_counted_once_whatever_the_ticks(ticks: list[datetime], ended: datetime) -> None:
    counted: Counted = {}
    times: list[Time] = []
    last = max([ended, *ticks])
    for now in [*ticks, last]:  # in any order: a clock may go back
        run = replace(RUN, ended=ended) if now >= ended else RUN
        more, counted = count([run], counted, now)
        times += more
    assert abs(total(times) - (ended - START).total_seconds()) < 0.001


@given(end=moments)
def test_no_day_is_longer_than_a_day_and_each_is_where_it_belongs(end: datetime) -> None:
    times, _ = count([RUN], {}, end)
    days = [each.day for each in times]
    assert days == sorted(set(days))
    assert all(0 < each.seconds <= 86_400 for each in times)
    if times:
        assert (days[0], days[-1]) == (START.date(), (end - timedelta(microseconds=1)).date())


def test_a_midnight_in_between_splits() -> None:
    times, until = count([RUN], {}, START + timedelta(hours=3))
    assert [(each.day, each.seconds) for each in times] == [
        (date(2026, 11, 28), 7200),
        (date(2026, 11, 29), 3600),
    ]
    assert until == {"uid-1": START + timedelta(hours=3)}


def test_a_pod_that_ended_long_ago_adds_nothing_more() -> None:
    ended = replace(RUN, ended=START + timedelta(minutes=5))
    _, counted = count([ended], {}, START + timedelta(minutes=10))
    assert count([ended], counted, START + timedelta(days=2))[0] == []


def test_a_pod_that_is_gone_ran_until_its_end_is_noticed() -> None:
    now = START + timedelta(minutes=1)
    assert runs_to_count({"uid-1": RUN}, [], now) == [replace(RUN, ended=now)]


def test_a_new_size_counts_from_when_it_is_seen() -> None:
    larger = replace(RUN, size="large", price_per_hour=2.0)
    assert runs_to_count({"uid-1": RUN}, [larger], START) == [RUN]
    assert runs_to_count({"uid-1": larger}, [larger], START) == [larger]
