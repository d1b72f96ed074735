"""The memory guard's decisions, played against programs that allocate: fast, slowly, in waves, or not at all."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from carrel_lab.guard.ladder import Action, Ladder, Sample, Step

MIB, GIB = 2**20, 2**30
BASE = 200 * MIB


@dataclass
class World:
    """A container with kernels that allocate by functions of time, under a ladder that is obeyed."""

    limit: int = 2 * GIB
    kernels: dict[str, Callable[[float], float]] = field(default_factory=dict)  # seconds run → bytes held
    grows_after: float | None = None  # seconds until a growth is there; None: it is refused
    obeys: bool = True  # whether an interrupt ends a cell
    lag: float = 0.05  # seconds until an interrupt is felt

    def __post_init__(self) -> None:
        self.ladder, self.now = Ladder(), 0.0
        self.done: list[tuple[float, Action]] = []
        self.ran = dict.fromkeys(self.kernels, 0.0)
        self.paused: set[str] = set()
        self.ends: dict[str, float] = {}
        self.oom = False
        self.samples = 0

    def held(self, kernel: str) -> int:
        return int(self.kernels[kernel](self.ran[kernel]))

    def run(self, seconds: float) -> "World":
        grown_at: float | None = None
        while self.now < seconds and not self.oom:
            used = BASE + sum(map(self.held, self.kernels))
            self.oom = used > self.limit
            if grown_at is not None and self.now >= grown_at:
                self.limit, grown_at = self.limit * 2, None
            sample = Sample(self.now, used, self.limit, {each: self.held(each) for each in self.kernels})
            self.samples += 1
            for action in self.ladder.take(sample):
                self.done.append((self.now, action))
                if action.step is Step.GROW:
                    if self.grows_after is None:
                        self.ladder.growth_refused()
                    else:
                        grown_at = self.now + self.grows_after
                self.obey(action)
            self.pass_time(self.ladder.interval(sample))
        return self

    def obey(self, action: Action) -> None:
        match action.step:
            case Step.PAUSE:
                self.paused.add(action.kernel)
            case Step.RESUME:
                self.paused.discard(action.kernel)
            case Step.INTERRUPT if self.obeys:
                self.ends[action.kernel] = self.now + self.lag
            case Step.KILL:
                del self.kernels[action.kernel], self.ran[action.kernel]

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for kernel in self.kernels:
            if kernel not in self.paused and self.now < self.ends.get(kernel, float("inf")):
                self.ran[kernel] += seconds

    def steps(self) -> list[Step]:
        return [action.step for _, action in self.done]


def allocates(per_second: float, upto: float = 100 * GIB) -> Callable[[float], float]:
    return lambda seconds: min(per_second * seconds, upto)


def holds(size: float) -> Callable[[float], float]:
    return lambda _: size


RATES = [1 * MIB, 20 * MIB, 100 * MIB, 500 * MIB, 1500 * MIB]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("limit", [512 * MIB, 2 * GIB, 16 * GIB])
def test_a_cell_that_allocates_without_end_is_stopped_and_nothing_is_killed_by_the_kernel(
    rate: int, limit: int
) -> None:
    world = World(limit, {"a": allocates(rate), "b": holds(50 * MIB)}).run(limit / rate + 10)
    assert not world.oom
    assert (Step.INTERRUPT in world.steps()) or (Step.KILL in world.steps())
    assert {action.kernel for _, action in world.done} <= {"", "a"}
    assert "b" in world.kernels
    if rate <= 500 * MIB and limit >= 2 * GIB:
        assert Step.KILL not in world.steps(), "there was time to end well"


@pytest.mark.parametrize("rate", RATES)
def test_one_that_does_not_listen_is_killed_alone(rate: int) -> None:
    world = World(2 * GIB, {"a": allocates(rate), "b": holds(50 * MIB)}, obeys=False).run(2 * GIB / rate + 10)
    assert not world.oom
    assert world.steps()[-1] is Step.KILL
    assert list(world.kernels) == ["b"]


@pytest.mark.parametrize("rate", [100 * MIB, 500 * MIB, 1500 * MIB])
@pytest.mark.parametrize("delay", [0.1, 0.5, 3.0])
def test_growth_comes_before_any_interrupt(rate: int, delay: float) -> None:
    world = World(GIB, {"a": allocates(rate, 3 * GIB)}, grows_after=delay).run(60)
    assert not world.oom
    assert world.limit == 4 * GIB
    assert not {Step.INTERRUPT, Step.KILL} & set(world.steps())
    assert world.steps().count(Step.PAUSE) == world.steps().count(Step.RESUME)
    assert world.held("a") == 3 * GIB


def test_a_growth_that_never_comes_ends_the_pause_with_an_interrupt() -> None:
    world = World(GIB, {"a": allocates(500 * MIB)}, grows_after=1e9).run(60)
    assert not world.oom
    assert world.steps()[-3:] == [Step.PAUSE, Step.INTERRUPT, Step.RESUME]


ORDINARY: dict[str, dict[str, Callable[[float], float]]] = {
    "idle": {"a": holds(100 * MIB)},
    "a frame that fits": {"a": allocates(500 * MIB, 1200 * MIB)},
    "in waves": {"a": lambda seconds: 900 * MIB * (seconds % 4 > 2)},
    "steady at seventy percent": {"a": holds(1230 * MIB), "b": lambda seconds: seconds % 3 * MIB},
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_work_is_left_alone(name: str) -> None:
    world = World(kernels=dict(ORDINARY[name])).run(3600)
    assert set(world.steps()) <= {Step.GROW}
    assert world.samples < 3600 * 8, "and is looked at a few times a second"


def test_steady_use_near_the_limit_is_one_warning() -> None:
    world = World(kernels={"a": holds(1780 * MIB), "b": lambda seconds: MIB * (seconds % 2 > 1)}).run(600)
    assert world.steps() == [Step.WARN]


def test_a_warning_comes_again_after_calm() -> None:
    world = World(kernels={"a": lambda seconds: 1600 * MIB * (seconds % 60 > 30)}).run(125)
    assert world.steps().count(Step.WARN) == 2


def test_memory_that_no_kernel_took_is_nobodys_fault() -> None:
    ladder = Ladder()
    ladder.growth_refused()
    steps = [
        action.step
        for turn in range(100)
        for action in ladder.take(Sample(turn * 0.02, 1700 * MIB + turn * 4 * MIB, 2 * GIB, {"a": 90 * MIB}))
    ]
    assert steps == [Step.WARN]
