"""What counts as work and what does not, with real processes; and what the agent says to hub and person."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from carrel_lab.activity.agent import Agent
from carrel_lab.activity.eyes import Eyes
from carrel_lab.guard.hub import Hub, HubError
from carrel_lab.guard.notices import Notices
from support.cluster import eventually


@pytest.fixture
def program() -> Iterator[Callable[..., int]]:
    """Starts programs; the number of their process."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> int:
        running.append(
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
            )
        )
        return running[-1].pid

    yield start
    for each in running:
        os.killpg(each.pid, signal.SIGKILL)  # and what it has started
        each.wait()
        if each.stdin:
            each.stdin.close()


class Server:
    """Kernels and terminals as the Jupyter server has them."""

    def __init__(self, notes: Path) -> None:
        self.kernels: dict[str, Any] = {}
        self.terminals: dict[str, Any] = {}
        self.eyes = Eyes(lambda: dict(self.kernels), lambda: dict(self.terminals), notes)
        self.at = 0.0

    def kernel(self, pid: int, state: str = "idle", name: str = "k") -> SimpleNamespace:
        process = SimpleNamespace(pid=pid)
        provisioner = SimpleNamespace(process=process)
        self.kernels[name] = SimpleNamespace(execution_state=state, last_activity=0, provisioner=provisioner)
        return self.kernels[name]

    def terminal(self, pid: int) -> SimpleNamespace:
        self.terminals["1"] = SimpleNamespace(ptyproc=SimpleNamespace(pid=pid), last_activity=0)
        return self.terminals["1"]

    def look(self, seconds: float = 5.0) -> list[str]:
        self.at += seconds
        return self.eyes.look(self.at)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_an_open_notebook_and_an_open_terminal_at_rest_are_nothing(
    server: Server, program: Callable[..., int]
) -> None:
    server.kernel(program("sleep", "60"))
    server.terminal(program("bash", "--norc"))
    assert server.look() == ["a cell has run", "terminal 1 was used"], "they were opened by a person"
    assert server.look() == []
    assert server.look() == []


def test_a_busy_kernel_counts_however_silent_it_is(server: Server, program: Callable[..., int]) -> None:
    kernel = server.kernel(program("sleep", "60"), "busy")
    server.look()
    assert server.look() == ["a cell runs"]
    kernel.execution_state = "idle"
    assert server.look() == []
    kernel.last_activity = 1
    assert server.look() == ["a cell has run"], "one so short that no look met it"


def test_a_kernel_that_works_behind_an_ended_cell_counts(server: Server, program: Callable[..., int]) -> None:
    server.kernel(
        program(
            sys.executable,
            "-c",
            "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])",
        )
    )
    server.look()
    time.sleep(1)  # this is what is measured
    server.at -= 4
    assert server.look() == ["a kernel works in the background"]


def test_a_program_in_a_terminal_counts_in_front_and_behind(
    server: Server, program: Callable[..., int]
) -> None:
    server.terminal(program("bash", "--norc", "-c", "sleep 60 & wait"))
    server.look()
    eventually("the program runs", lambda: server.look() == ["a program runs in terminal 1"], 5)


def test_what_a_person_saves_counts_once(server: Server) -> None:
    server.eyes.touch()
    assert server.look() == ["a document was saved"]
    assert server.look() == []


def test_a_query_counts_while_its_kernel_lives(
    server: Server, tmp_path: Path, program: Callable[..., int]
) -> None:
    pid = program("sleep", "60")
    (tmp_path / f"carrel-queries-{pid}").touch()
    assert server.look() == ["a query runs in the warehouse"]
    (tmp_path / f"carrel-queries-{pid}").rename(tmp_path / "carrel-queries-4194303")
    assert server.look() == []


def test_a_kernel_that_has_just_begun_or_ended_is_no_error(server: Server) -> None:
    server.kernels["new"] = SimpleNamespace()
    server.kernel(4_194_303)
    server.look()
    assert server.look() == []


class Answering(Hub):
    """A hub that answers as it is told to."""

    def __init__(self) -> None:
        super().__init__("http://hub", "token", "ada", "")
        self.reports: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {"idle_timeout": 3600, "stops_in": 3000, "idle_since": "x"}
        self.down = False

    def activity(self, report: dict[str, Any]) -> dict[str, Any]:
        if self.down:
            raise HubError(502, "The hub does not answer.")
        self.reports.append(report)
        return self.answer


class Watched:
    """An agent whose time passes when it is told to."""

    def __init__(self, tmp_path: Path) -> None:
        self.now, self.touched = 0.0, 0
        self.hub, self.notices, self.server = Answering(), Notices(), Server(tmp_path)
        self.agent = Agent(self.server.eyes, self.hub, self.notices, self._active, lambda: self.now)

    def _active(self) -> None:
        self.touched += 1

    def go(self, seconds: float) -> None:
        self.now += seconds
        self.agent.turn()

    @property
    def said(self) -> list[str]:
        return [each["message"] for each in self.notices.listen(lambda _: None)]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_the_hub_hears_durations_and_jupyterhub_hears_of_use(watched: Watched) -> None:
    watched.go(11)
    assert watched.hub.reports == [{"idle_for": 11.0}]
    assert watched.touched == 0
    watched.server.eyes.touch()
    watched.go(5)
    assert watched.hub.reports[1:] == [{"busy": True}]
    assert watched.touched == 1


def test_the_person_is_told_once_before_the_stop_and_not_any_more_when_it_does_not_come(
    watched: Watched,
) -> None:
    watched.hub.answer = {
        "idle_timeout": 3600,
        "stops_in": 299,
        "idle_since": "x",
        "will_stop_at": "2026-11-27T14:05:00Z",
    }
    watched.go(11)
    sentence = (
        "Nothing has run here for a while, so it stops in 5 minutes. Files are kept, variables are lost."
    )
    assert watched.said == [sentence]
    watched.go(5)
    assert watched.said == [sentence]
    assert watched.agent.view()["will_stop_at"] == "2026-11-27T14:05:00Z"
    watched.agent.learned({"idle_timeout": 3600, "stops_in": 9000, "idle_since": "x"})
    assert watched.said == []


def test_an_age_that_is_too_high_is_called_so(watched: Watched) -> None:
    watched.hub.answer = {"idle_timeout": None, "stops_in": 20, "idle_since": None}
    watched.go(11)
    assert watched.said == [
        "The server has run as long as it may, so it stops in 20 seconds. Files are kept, variables are lost."
    ]


def test_a_hub_that_is_away_is_asked_again_and_what_somebody_else_learns_does_not_delay_that(
    watched: Watched,
) -> None:
    watched.go(11)
    watched.hub.down = True
    watched.server.eyes.touch()
    watched.go(5)
    watched.agent.learned({"idle_timeout": 3600, "stops_in": 3000, "idle_since": "x"})
    watched.hub.down = False
    watched.go(3)
    assert watched.hub.reports[1:] == [{"idle_for": 3.0}]


def test_without_a_hub_nothing_stops_and_nothing_fails(tmp_path: Path) -> None:
    agent = Agent(Server(tmp_path).eyes, None, Notices())
    assert agent.turn() > 0
    assert agent.view()["will_stop_at"] is None
