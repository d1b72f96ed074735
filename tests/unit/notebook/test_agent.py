"""The memory guard's thread, with real processes as kernels and a control group that is made up around them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from carrel_lab.guard import kernel, processes
from carrel_lab.guard import reporter as reporter_module
from carrel_lab.guard.agent import Agent, Voices
from carrel_lab.guard.cgroup import Cgroup, Memory
from carrel_lab.guard.evidence import Evidence
from carrel_lab.guard.growth import Growth
from carrel_lab.guard.hub import Hub
from carrel_lab.guard.notices import Culprit, Kill, Notices
from carrel_lab.guard.reporter import Reporter
from support.cluster import eventually

MIB = 2**20
LIMIT = 512 * MIB

# Touches 100 MB a second, for ever; a deaf one does not end when it is asked to.
ALLOCATES = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN if "deaf" in sys.argv else signal.default_int_handler)
held = []
while True:
    held.append(b"x" * (5 << 20))
    time.sleep(0.05)
"""


class Around(Cgroup):
    """As if some processes were alone in a container."""

    def __init__(self, used: Callable[[], int]) -> None:
        self._used, self.reads, self.quick, self.failures, self.oom_kills = used, 0, 0, 0, 0

    def read(self) -> Memory:
        self.reads += 1
        if self.reads == 2 and self.failures:
            raise ValueError("not a number")
        return Memory(self._used(), LIMIT, self.oom_kills)

    def counted(self) -> int:
        self.quick += 1
        return self._used()


@pytest.fixture
def guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Agent, Notices]]]:
    """Starts agents."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    # A container has a handful of processes, this machine hundreds, and they are none of the test's business.
    monkeypatch.setattr(processes, "descendants", lambda pid: [pid])
    running: list[Agent] = []

    def start(cgroup: Cgroup, kernels: dict[str, int]) -> tuple[Agent, Notices]:
        notices = Notices()
        voices = Voices(
            notices, Reporter(None, notices, tmp_path), Growth(None, notices), Evidence(tmp_path / "evidence")
        )
        running.append(Agent(cgroup, lambda: kernels, voices))
        running[-1].start()
        return running[-1], notices

    yield start
    for each in running:
        each.stop()
        each.join(5)


@pytest.fixture
def program() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    running: list[subprocess.Popen[bytes]] = []

    def start(code: str, *arguments: str) -> subprocess.Popen[bytes]:
        running.append(subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.DEVNULL))
        return running[-1]

    yield start
    for each in running:
        each.kill()
        each.wait()


def kinds(notices: Notices) -> list[str]:
    return [each["kind"] for each in notices.listen(lambda _: None)]


def about_memory(notices: Notices) -> list[str]:
    """Without how full the disk of this machine is."""
    return [each for each in kinds(notices) if each != "disk"]


@pytest.mark.parametrize(("manner", "action"), [("obeys", "Interrupted"), ("deaf", "KernelKilled")])
def test_the_program_to_blame_ends_and_the_other_runs_on(
    guard: Callable[..., tuple[Agent, Notices]],
    program: Callable[..., subprocess.Popen[bytes]],
    manner: str,
    action: str,
) -> None:
    blamed, bystander = program(ALLOCATES, manner), program("import time; time.sleep(60)")
    used = lambda: 100 * MIB + processes.resident(blamed.pid)  # noqa: E731
    agent, notices = guard(Around(used), {"a": blamed.pid, "b": bystander.pid})
    blamed.wait(20)
    eventually("the end is told", lambda: agent.last_kill and agent.last_kill.action == action, 5)
    assert agent.last_kill
    assert agent.last_kill.culprit.kernel == "a"
    assert 400 * MIB < agent.last_kill.peak < LIMIT
    assert bystander.poll() is None
    assert about_memory(notices)[0] == "warning"


def test_a_kernel_that_the_oom_killer_took_before_a_look_is_still_known_by_its_notebook(
    guard: Callable[..., tuple[Agent, Notices]],
    program: Callable[..., subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "big.ipynb")
    blamed = program("import time; time.sleep(60)")
    monkeypatch.delenv("JPY_SESSION_NAME")
    kernels = {"a": blamed.pid}

    def used() -> int:
        """In the second turn it is killed after the read of the memory, and before the look at the processes."""
        if cgroup.reads == 3 and "b" not in kernels:
            blamed.kill()
            eventually("it has ended", lambda: not processes.exists(blamed.pid), 5, every=0.01)
            kernels["b"] = 0  # a new kernel, hence a look
        return 100 * MIB

    cgroup = Around(used)
    agent, _ = guard(cgroup, kernels)
    eventually("it was looked at", lambda: cgroup.reads > 3, 5)
    cgroup.oom_kills = 1
    eventually("the end is told", lambda: agent.last_kill, 5)
    assert agent.last_kill
    assert agent.last_kill.culprit.notebook == "big.ipynb"
    assert "The kernel of big.ipynb was stopped" in agent.last_kill.message


def test_steady_use_near_the_limit_is_looked_at_seldom_and_a_change_is_seen_between_two_looks(
    guard: Callable[..., tuple[Agent, Notices]],
) -> None:
    used = [int(LIMIT * 0.8)]
    cgroup = Around(lambda: used[0])
    _, notices = guard(cgroup, {})
    time.sleep(3)  # this is what is measured
    assert cgroup.reads < 10
    assert cgroup.quick < 3 / 0.06 + 10, (
        "what a wake-up costs in CPU is measured in tests/bench/test_memory.py"
    )
    assert about_memory(notices) == []
    used[0] = int(LIMIT * 0.9)
    eventually("a warning", lambda: about_memory(notices) == ["warning"], 5, every=0.01)
    assert cgroup.reads < 20


def test_a_failure_does_not_end_the_guard(guard: Callable[..., tuple[Agent, Notices]]) -> None:
    cgroup = Around(lambda: int(LIMIT * 0.9))
    cgroup.failures = 1
    _, notices = guard(cgroup, {})
    eventually("a warning all the same", lambda: about_memory(notices) == ["warning"], 5)


class Heard(Hub):
    """A hub that remembers what it was told."""

    def __init__(self) -> None:
        super().__init__("http://hub", "token", "ada", "")
        self.reports: list[dict[str, Any]] = []

    def report(self, report: dict[str, Any]) -> None:
        self.reports.append(report)


class AtHome(Reporter):
    used = 100
    size = 1000

    def home(self) -> dict[str, int]:
        return {"used": self.used, "size": self.size}


def test_the_hub_hears_seldom_and_only_news(tmp_path: Path) -> None:
    hub = Heard()
    reporter = AtHome(hub, Notices(), tmp_path)
    for at, peak in [(0.0, 100), (10.0, 500), (31.0, 102), (62.0, 300)]:
        reporter.maybe(at, peak, 0)
        time.sleep(0.05)
    first = {"memory": {"peak": 100}, "home": {"used": 100, "size": 1000}}
    eventually("both reports", lambda: hub.reports == [first, {"memory": {"peak": 300}}], 2)


def test_projects_are_told_when_their_share_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = {"forecast": 10}
    disks = lambda folder: {"used": used[folder.name], "size": 100} if folder.name in used else None  # noqa: E731
    monkeypatch.setattr(reporter_module, "_disk", disks)
    (tmp_path / "projects" / "forecast").mkdir(parents=True)
    hub = Heard()
    reporter = Reporter(hub, Notices(), tmp_path, tmp_path / "projects")
    for turn, share in enumerate([10, 10, 11]):
        used["forecast"] = share
        reporter.maybe(turn * 31.0, 0, 0)
        eventually("it was measured", lambda: not reporter._measuring.is_alive(), 2)
    assert [each["projects"]["forecast"]["used"] for each in hub.reports] == [10, 11]


def test_a_kill_is_told_at_once(tmp_path: Path) -> None:
    hub = Heard()
    kill = Kill("KernelKilled", "Sentence.", Culprit("k", "a.ipynb", "[1] x"), 9, 10, "2026-11-23T19:00:00Z")
    Reporter(hub, Notices(), tmp_path).kill(kill)
    [told] = eventually("a report", lambda: hub.reports, 2)
    assert told["memory"]["last_kill"]["cell"] == "[1] x"


def test_a_home_that_fills_up_is_one_notice_until_there_was_room_again(tmp_path: Path) -> None:
    notices = Notices()
    reporter = AtHome(None, notices, tmp_path)
    for turn, used in enumerate([840, 850, 990, 820, 900, 700, 860]):
        reporter.used = used
        reporter.maybe(turn * 31.0, 0, 0)
    assert kinds(notices) == ["disk", "disk"]


def test_a_home_that_has_grown_is_told_once(tmp_path: Path) -> None:
    notices = Notices()
    reporter = AtHome(None, notices, tmp_path)
    for turn, size in enumerate([1000, 1001, 1500, 1500]):
        reporter.size = size
        reporter.maybe(turn * 31.0, 0, 0)
    assert [each["message"] for each in notices.listen(lambda _: None)] == ["The home has grown to 1.5 KiB."]


def test_the_notes_of_kernels_lie_in_the_runtime_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    assert kernel.cell_file(7).parent == kernel.message_file(7).parent == tmp_path
