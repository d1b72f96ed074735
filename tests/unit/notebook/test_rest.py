"""When the hub hears what of a server, played through with a hub that judges by the real rule."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrel_hub import activity
from carrel_hub.activity import Report
from carrel_lab.activity.rest import Rest, Word
from carrel_operator import idle
from carrel_operator.api import Notebook
from carrel_operator.api.times import moment, stamp
from carrel_operator.settings import Cull

START = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # the night in which European clocks go back


def notebook(**spec: Any) -> Notebook:
    fields = {"owner": "ada", "running": True, "session": "s1", "instanceType": "small", "image": "i"}
    metadata = {"name": "ada", "namespace": "carrel", "uid": "u"}
    return Notebook.parse(
        {"metadata": metadata, "spec": fields | spec, "status": {"startedAt": stamp(START)}}
    )


@dataclass
class Play:
    """One server and its hub, second by second; the hub's wall clock may jump."""

    policy: Cull
    rest: Rest = field(default_factory=lambda: Rest(0.0))
    notebook: Notebook = field(default_factory=notebook)
    away: set[int] = field(default_factory=set)
    jump: float = 0.0
    writes: int = 0
    words: int = 0
    warned: float | None = None
    stopped: float | None = None

    def until(self, end: int, busy: set[int]) -> "Play":
        at = 0.0
        while at < end and self.stopped is None:
            active = any(int(at) - late in busy for late in range(6 if self.rest.interval > 1 else 2))
            if word := self.rest.look(at, active=active):
                self.words += 1
                self._say(at, word)
            at += self.rest.wait(at)
        return self

    def _say(self, at: float, word: Word) -> None:
        if int(at) in self.away:
            self.rest.failed(at)
            return
        now = START + timedelta(seconds=at + self.jump)
        report = Report(busy=True) if word is Word.BUSY else Report(idle_for=self.rest.idle_for(at))
        after = activity.believed(self.notebook, report, None, self.policy, now)
        stop = idle.planned(after, None, self.policy)
        if stop and stop.at <= now:
            self.stopped = at
            return
        if after is not self.notebook:
            self.notebook, self.writes = after, self.writes + 1
        soon = self.rest.heard(at, word, activity.view(after, None, self.policy, now))
        self.warned = self.warned or at if soon else None


HOUR = Cull(timeout=3600)


def test_a_server_that_nobody_uses_is_stopped_after_its_time_and_says_so_before_without_a_write() -> None:
    play = Play(HOUR).until(8000, set())
    assert play.stopped == pytest.approx(3600, abs=10)
    assert play.warned == pytest.approx(3300, abs=10)
    assert play.writes == 0, "that it is idle since its start is known without a word"
    assert play.words <= 12


def test_a_working_server_is_never_stopped_and_costs_one_write() -> None:
    play = Play(HOUR).until(100_000, set(range(20, 100_000)))
    assert play.stopped is None
    assert play.writes == 1


def test_ordinary_work_with_its_pauses_writes_little() -> None:
    busy = {at for at in range(60, 7200) if at % 240 < 3}  # a short cell each four minutes
    play = Play(HOUR).until(20_000, busy)
    assert play.writes == 2, "busy, and idle"
    assert play.stopped == pytest.approx(max(busy) + 3600, abs=20)


def test_who_begins_at_the_last_moment_wins() -> None:
    play = Play(HOUR).until(7000, {3598})
    assert play.stopped is None
    assert play.until(9000, set()).rest.last == pytest.approx(3598, abs=6)


def test_a_hub_that_is_away_stops_nobody_and_hears_in_the_end() -> None:
    play = Play(HOUR, away=set(range(1000, 9000))).until(9500, {1500})
    assert play.stopped == pytest.approx(9000, abs=70)
    play = Play(HOUR, away=set(range(1000, 5000))).until(5200, set(range(1500, 5200)))
    assert (play.stopped, play.writes) == (None, 1)


@pytest.mark.parametrize("jump", [-7200.0, 7200.0, 86_400.0])
def test_a_clock_that_jumps_neither_stops_who_works_nor_keeps_who_does_not(jump: float) -> None:
    """An agent tells durations: an idle hour stays one."""
    play = Play(HOUR)
    play.until(1000, {30})
    play.jump = jump
    busy = Play(HOUR, jump=jump).until(20_000, set(range(0, 20_000, 200)))
    assert busy.stopped is None
    play.notebook = notebook()
    late = play.until(20_000, {30})
    assert late.stopped is not None
    assert late.stopped <= 30 + 3600 + max(0.0, -jump) + 20


def test_kept_until_the_morning_after_a_night_of_25_hours() -> None:
    """8:00 in Berlin after the clocks went back is 7:00 UTC, ten hours after 23:00 there."""
    play = Play(HOUR, notebook=notebook(keepUntil="2026-10-25T07:00:00Z", keepAskedAt=stamp(START)))
    assert play.until(50_000, set()).stopped == pytest.approx(9 * 3600, abs=10)


def test_a_size_without_an_end_is_left_alone_and_asks_every_ten_minutes() -> None:
    play = Play(Cull(enabled=False)).until(36_000, set())
    assert (play.stopped, play.writes) == (None, 0)
    assert play.words <= 62


@settings(deadline=None, max_examples=25)
@given(
    bursts=st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 900)), max_size=6),
    timeout=st.integers(30, 1200),
    gaps=st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 300)), max_size=3),
)
def test_for_every_schedule_nobody_is_stopped_too_soon_and_nobody_stays_for_ever(
    bursts: list[tuple[int, int]], timeout: int, gaps: list[tuple[int, int]]
) -> None:
    busy = {at for start, length in bursts for at in range(start, start + length)}
    away = {at for start, length in gaps for at in range(start, start + length)}
    play = Play(Cull(timeout=timeout), away=away).until(10_000, busy)
    assert play.stopped is not None
    before = [at for at in busy if at < play.stopped - 6]
    assert play.stopped >= max(before, default=0) + timeout - 7
    assert play.stopped <= max([*busy, *away, 0]) + timeout + 75
    assert play.writes <= 2 * len(bursts) + 2
    assert moment(play.notebook.status.started_at) == START
