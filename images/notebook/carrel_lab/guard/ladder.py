"""What to do as memory runs out, step by step; it decides from samples and knows no clock, process or signal.

The steps: warn; grow; at the last moment pause the kernel that is allocating while a growth is under way, or
interrupt its cell; and kill that kernel alone if it goes on.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_MIB = 2**20

# Shares of the limit.
_CALM, _GROW, _WARN = 0.70, 0.80, 0.85
_GROW_SECONDS = 0.3  # until the limit at the present rate

# What must be left, as seconds at the present rate, as a share of the limit, and in bytes; the largest counts.
_LAST_MOMENT = (0.15, 0.03, 24 * _MIB)
_TOO_LATE = (0.05, 0.012, 10 * _MIB)

_SHORT, _LONG = 0.3, 3.0  # seconds over which growth is measured
_NOTICEABLE = 2 * _MIB  # of growth, in either; less is the server's own breathing
_GRACE = 0.5  # seconds for an interrupted cell to end
_LONGEST_PAUSE = 10.0

# No program has been seen to touch fresh memory faster than this, in bytes a second.
_FASTEST = 2 * 10**9
_SOONEST, _LATEST = 0.02, 1.0


class Step(StrEnum):
    """A rung of the ladder."""

    WARN = "warn"
    GROW = "grow"
    PAUSE = "pause"
    RESUME = "resume"
    INTERRUPT = "interrupt"
    KILL = "kill"


@dataclass(frozen=True, slots=True)
class Action:
    """What to do, and to which kernel where it is one's."""

    step: Step
    kernel: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """Bytes at one moment; seconds of a clock that never jumps."""

    at: float
    used: int
    limit: int
    kernels: Mapping[str, int] = field(default_factory=dict)


class Ladder:
    """Takes samples in order, and says what to do after each."""

    def __init__(self) -> None:
        self._history: deque[Sample] = deque()
        self._warned = False
        self._growth_asked: float | None = None
        self._growth_refused = False
        self._paused: tuple[str, float] | None = None
        self._interrupted: dict[str, Sample] = {}

    def growth_refused(self) -> None:
        """The growth that was asked for will not come, at this limit."""
        self._growth_asked, self._growth_refused = None, True

    @property
    def waits(self) -> bool:
        """Whether something was begun whose end may come at any moment, though no memory is used or freed."""
        return self._growth_asked is not None or self._paused is not None

    def take(self, sample: Sample) -> list[Action]:
        """What to do now."""
        actions = self._new_limit(sample)
        self._history.append(sample)
        while sample.at - self._history[0].at > _LONG:
            self._history.popleft()
        if sample.used < sample.limit * _CALM:
            self._warned = False
            self._interrupted.clear()
        if sample.used >= sample.limit * _WARN and not self._warned:
            self._warned = True
            actions.append(Action(Step.WARN))
        if self._should_grow(sample):
            self._growth_asked = sample.at
            actions.append(Action(Step.GROW))
        if self._paused:
            return actions + self._end_of_pause(sample)
        return actions + self._last_moment(sample)

    def interval(self, sample: Sample) -> float:
        """Seconds until the next sample: so few that half of what is left can't be used up meanwhile."""
        left = sample.limit - sample.used - _left(_LAST_MOMENT, 0.0, sample.limit)
        return min(max(left / _FASTEST / 2, _SOONEST), _LATEST)

    def _new_limit(self, sample: Sample) -> list[Action]:
        if not self._history or self._history[-1].limit == sample.limit:
            return []
        self._warned, self._growth_asked, self._growth_refused = False, None, False
        self._interrupted.clear()
        return self._resume()

    def _should_grow(self, sample: Sample) -> bool:
        if self._growth_asked is not None or self._growth_refused or not self._grows(sample):
            return False
        left = sample.limit - sample.used
        return sample.used >= sample.limit * _GROW or left < self._rate(sample) * _GROW_SECONDS

    def _end_of_pause(self, sample: Sample) -> list[Action]:
        kernel, since = self._paused or ("", 0.0)
        if self._growth_asked is not None and sample.at - since < _LONGEST_PAUSE:
            return []
        self._growth_asked, self._growth_refused = None, True
        self._interrupted[kernel] = sample
        # interrupted first: it must not run on for a moment when it is resumed
        return [Action(Step.INTERRUPT, kernel), *self._resume()]

    def _last_moment(self, sample: Sample) -> list[Action]:
        left, rate = sample.limit - sample.used, self._rate(sample)
        if not self._grows(sample) or left > _left(_LAST_MOMENT, rate, sample.limit):
            return []
        kernel = self._culprit(sample)
        if kernel is None:
            return []
        if self._growth_asked is not None:
            self._paused = (kernel, sample.at)
            return [Action(Step.PAUSE, kernel)]
        if kernel not in self._interrupted:
            self._interrupted[kernel] = sample
            return [Action(Step.INTERRUPT, kernel)]
        if self._goes_on(kernel, sample, too_late=left < _left(_TOO_LATE, rate, sample.limit)):
            del self._interrupted[kernel]
            return [Action(Step.KILL, kernel)]
        return []

    def _goes_on(self, kernel: str, sample: Sample, *, too_late: bool) -> bool:
        """Whether a kernel grows although its cell was interrupted; when it is too late, its grace is over."""
        at = self._interrupted[kernel].at
        since = at if too_late else at + _GRACE
        after = (each.kernels[kernel] for each in self._history if each.at > since and kernel in each.kernels)
        return sample.kernels[kernel] - next(after, sample.kernels[kernel]) >= _NOTICEABLE / 2

    def _resume(self) -> list[Action]:
        if self._paused is None:
            return []
        kernel, _ = self._paused
        self._paused = None
        return [Action(Step.RESUME, kernel)]

    def _grows(self, sample: Sample) -> bool:
        return any(sample.used - before.used >= _NOTICEABLE for before in self._ends(sample))

    def _rate(self, sample: Sample) -> float:
        """Bytes a second, by the faster of the two measurements."""
        rates = ((sample.used - each.used) / (sample.at - each.at) for each in self._ends(sample))
        return max(rates, default=0.0)

    def _ends(self, sample: Sample) -> list[Sample]:
        """The samples from which growth is measured: the oldest of all, and the oldest of the last moments."""
        recent = next((each for each in self._history if sample.at - each.at <= _SHORT), sample)
        return [each for each in (self._history[0], recent) if each.at < sample.at]

    def _culprit(self, sample: Sample) -> str | None:
        """The kernel that has grown most, and that is most of the growth."""
        grown: dict[str, int] = {}
        for kernel, now in sample.kernels.items():
            before = min(
                (each.kernels[kernel] for each in self._history if kernel in each.kernels), default=now
            )
            grown[kernel] = now - before
        most = max(grown, key=grown.__getitem__, default="")
        return most if grown.get(most, 0) >= _NOTICEABLE / 2 else None


def _left(margin: tuple[float, float, int], rate: float, limit: int) -> float:
    seconds, share, least = margin
    return max(rate * seconds, limit * share, least)
