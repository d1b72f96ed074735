"""When to tell the hub that something runs, or that nothing has for so long: seldom, and in time.

All times are seconds on a clock that never jumps. What the hub believes at first is that nothing has run since the
start; a short pause between two cells is not worth a word.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

# Nothing is told of a pause that is shorter: so long, or this share of what is allowed if that is less.
_PAUSE, _SHARE_OF_PAUSE = 300.0, 12
# The person is told this long before the stop: so long, or this share of what is allowed if that is less.
_NOTICE, _SHARE_OF_NOTICE = 300.0, 10
_FIRST_WORD = 10.0
# What the hub was told may have been lost, and what people and administrators want may have changed elsewhere.
_HEARTBEAT = 600.0
_ASK_AGAIN = 10.0
_SHORTEST_WAIT = 0.7  # the hub takes two reports a second
_LONGEST_WAIT = 60.0
_OFTEN, _SELDOM = 1.0, 5.0


class Word(Enum):
    """What to tell the hub."""

    BUSY = "busy"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the hub answered: when the server stops unless something happens."""

    at: float | None = None
    will_stop_at: str | None = None  # the same as a time for people
    for_idleness: bool = True
    allowed: float | None = None  # seconds that it may be idle
    keep_until: str | None = None
    keep_at_most: float = 0.0

    @property
    def notice(self) -> float:
        """How long before the stop the person is told."""
        return min(_NOTICE, self.allowed / _SHARE_OF_NOTICE) if self.allowed else _NOTICE


class Rest:
    """Keeps when something last ran, what the hub believes and when it has to hear again."""

    def __init__(self, at: float) -> None:
        self.last = at
        self.plan = Plan()
        self._told: Word | None = None
        self._due = at + _FIRST_WORD
        self._failures = 0

    def look(self, at: float, *, active: bool) -> Word | None:
        """What to tell the hub now; None most of the time."""
        if active:
            self.last = at
        word = self._word(at, active=active)
        if word is not self._told and self._may_speak(at):
            return word
        return word if at >= self._due else None

    def heard(self, at: float, word: Word, answer: dict[str, Any]) -> bool:
        """Take in the hub's answer; whether it is time to tell the person that the server will stop."""
        self._told, self._failures = word, 0
        return self.learned(at, answer)

    def learned(self, at: float, answer: dict[str, Any]) -> bool:
        """Take in when the server stops, whoever asked for it; as for ``heard``."""
        stops_in, allowed = answer.get("stops_in"), answer.get("idle_timeout")
        self.plan = plan = Plan(
            at=None if stops_in is None else at + stops_in,
            will_stop_at=answer.get("will_stop_at"),
            for_idleness=answer.get("idle_since") is not None,
            allowed=allowed,
            keep_until=answer.get("keep_until"),
            keep_at_most=answer.get("keep_at_most") or 0.0,
        )
        if self._failures:  # what the hub has not heard yet is more urgent than what it says
            return plan.at is not None and plan.at - at <= plan.notice
        heartbeat = min(_HEARTBEAT, allowed or _HEARTBEAT)
        if plan.at is None:
            unknown = self._told is Word.IDLE and allowed is not None  # the hub has not seen it run yet
            self._due = at + (_ASK_AGAIN if unknown else heartbeat)
            return False
        soon = plan.at - at <= plan.notice + _SHORTEST_WAIT
        next_word = plan.at if soon else plan.at - plan.notice
        self._due = min(max(next_word, at + _SHORTEST_WAIT), at + heartbeat)
        return soon

    def failed(self, at: float) -> None:
        """The hub did not hear; try again soon."""
        self._failures += 1
        self._due = at + min(2.0**self._failures, _LONGEST_WAIT)

    def idle_for(self, at: float) -> float:
        """Seconds in which nothing has run."""
        return max(at - self.last, 0.0)

    @property
    def interval(self) -> float:
        """Seconds until the next look."""
        return _OFTEN if self._pause < 4 * _SELDOM else _SELDOM

    def wait(self, at: float) -> float:
        """Seconds until the next look, which is never after the moment at which the hub has to hear."""
        return min(self.interval, max(self._due - at, 0.1))

    @property
    def _pause(self) -> float:
        allowed = self.plan.allowed
        return min(_PAUSE, allowed / _SHARE_OF_PAUSE) if allowed else _PAUSE

    def _word(self, at: float, *, active: bool) -> Word:
        if active:
            return Word.BUSY
        paused = self._told is Word.BUSY and at - self.last < self._pause
        return Word.BUSY if paused else Word.IDLE

    def _may_speak(self, at: float) -> bool:
        """At first only to say that something runs; after a failure only when it is time to try again."""
        return (self._told is not None or self.last == at) and (not self._failures or at >= self._due)
