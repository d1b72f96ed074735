"""What the memory guard reads and leaves behind: control groups of both versions, processes, notices, evidence."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carrel_lab.guard import notices, processes
from carrel_lab.guard.cgroup import Cgroup, Memory
from carrel_lab.guard.evidence import Evidence
from carrel_lab.guard.growth import Growth
from carrel_lab.guard.hub import Hub, HubError
from carrel_lab.guard.notices import Culprit, Notices

MIB = 2**20
CELL = Culprit("k1", "flights.ipynb", "[7] df = big()")

V1 = {
    "memory/memory.usage_in_bytes": "1000000\n",
    "memory/memory.limit_in_bytes": "2000000\n",
    "memory/memory.stat": "cache 1\ninactive_file 5\ntotal_inactive_file 300000\ntotal_active_file 100000\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
}
V2 = {
    "memory.current": "1000000\n",
    "memory.max": "2000000\n",
    "memory.stat": "anon 5\ninactive_file 300000\nactive_file 100000\n",
    "memory.events": "low 0\noom 9\noom_kill 3\noom_group_kill 0\n",
    "memory.pressure": "some avg10=1.50 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
}


def write(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        file = root / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)


@pytest.mark.parametrize("files", [V1, V2], ids=["v1", "v2"])
def test_cached_files_are_not_in_use(tmp_path: Path, files: dict[str, str]) -> None:
    write(tmp_path, files)
    assert Cgroup(tmp_path).read() == Memory(600_000, 2_000_000, 3)


@pytest.mark.parametrize(
    ("files", "name", "content"),
    [(V1, "memory/memory.limit_in_bytes", "9223372036854771712"), (V2, "memory.max", "max")],
)
def test_no_limit_is_none(tmp_path: Path, files: dict[str, str], name: str, content: str) -> None:
    write(tmp_path, files | {name: content})
    assert Cgroup(tmp_path).read().limit is None


def test_pressure_is_read_where_it_is(tmp_path: Path) -> None:
    write(tmp_path, V2)
    assert Cgroup(tmp_path).pressure() == 1.5
    assert Cgroup(tmp_path / "elsewhere").pressure() is None


@pytest.fixture
def family() -> Iterator[subprocess.Popen[str]]:
    """A process with a child that holds 50 MiB."""
    child = f"import time; held = b'x' * ({50 * MIB}); print('held', flush=True); time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    environment = os.environ | {"JPY_SESSION_NAME": "a folder/flights.ipynb"}
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        processes.send(processes.descendants(process.pid), signal.SIGKILL)


def test_a_process_counts_with_its_descendants(family: subprocess.Popen[str]) -> None:
    tree = processes.descendants(family.pid)
    assert len(tree) == 2
    assert tree[0] == family.pid
    assert sum(map(processes.resident, tree)) > 50 * MIB > processes.resident(family.pid)
    assert processes.variable(family.pid, "JPY_SESSION_NAME") == "a folder/flights.ipynb"
    assert processes.variable(family.pid, "JPY_SESSION") == ""
    processes.offer_first(tree)
    assert [Path(f"/proc/{pid}/oom_score_adj").read_text().strip() for pid in tree] == ["1000", "1000"]


def test_what_is_gone_holds_nothing(family: subprocess.Popen[str]) -> None:
    tree = processes.descendants(family.pid)
    processes.send(tree, signal.SIGKILL)
    family.wait()
    assert not any(map(processes.exists, tree[:1]))
    assert processes.resident(family.pid) == 0
    assert processes.variable(family.pid, "PATH") == ""
    processes.send(tree, signal.SIGKILL)


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0 bytes"), (2048, "2 KiB"), (1.5 * 2**30, "1.5 GiB"), (2 * 2**30, "2 GiB")]
)
def test_bytes_are_said_as_people_do(value: float, said: str) -> None:
    assert notices.size(value) == said


def test_who_comes_later_hears_the_last_notices() -> None:
    found, heard = Notices(), []
    for number in range(30):
        found.say(notices.Kind.WARNING, f"Notice {number}.")
    kept = found.listen(heard.append)
    assert [each["message"] for each in kept] == [f"Notice {number}." for number in range(10, 30)]
    found.say(notices.Kind.DISK, "More.")
    found.leave(heard.append)
    assert [each["message"] for each in heard] == ["More."]


def test_a_server_that_was_killed_leaves_evidence(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path / "evidence.json")
    assert evidence.found() is None
    evidence.keep(950, 1000, CELL)
    kill = Evidence(tmp_path / "evidence.json").found()
    assert kill is not None
    assert (kill.action, kill.culprit, kill.peak, kill.limit) == ("ServerKilled", CELL, 950, 1000)
    assert "cell [7] of flights.ipynb" in kill.message
    evidence.keep(100, 1000, CELL)
    assert evidence.found() is None, "it was not for lack of memory"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"at": 1}', '{"used": 1, "limit": 1, "at": "", "culprit": {"x": 1}}']
)
def test_evidence_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "evidence.json").write_text(content)
    assert Evidence(tmp_path / "evidence.json").found() is None


def test_a_folder_that_is_not_there_costs_the_evidence_and_nothing_else(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path / "none" / "evidence.json")
    evidence.keep(950, 1000, CELL)
    evidence.clear()


class FakeHub(Hub):
    """Answers from a script."""

    def __init__(self, *answers: dict[str, Any] | HubError) -> None:
        super().__init__("http://hub", "token", "ada", "")
        self.answers, self.asked = list(answers), []  # type: list[dict[str, Any] | HubError], list[str]

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        self.asked.append(f"{method} {path} {json.dumps(body)}")
        answer = self.answers.pop(0)
        if isinstance(answer, HubError):
            raise answer
        return answer


def sizes(state: str = "Applied", live: bool = True, grow_to: str | None = "large") -> dict[str, Any]:
    small = {"name": "small", "display_name": "Small", "memory_bytes": 1024, "grow_to": grow_to, "live": True}
    large = {"name": "large", "display_name": "Large", "memory_bytes": 2048, "grow_to": None, "live": live}
    resize = {"state": state, "message": "No room."}
    return {"instance_type": "small", "sizes": [small, large], "resize": resize}


GROWS: dict[str, tuple[list[dict[str, Any] | HubError], bool, list[str]]] = {
    "at once": ([sizes(), sizes()], True, ["growing"]),
    "after a while": ([sizes(), sizes("InProgress"), sizes("InProgress"), sizes()], True, ["growing"]),
    "has no larger size": ([sizes(grow_to=None)], False, []),
    "may not have the larger size": ([sizes(grow_to="huge")], False, []),
    "would have to restart": ([sizes(live=False)], False, []),
    "finds no room": ([sizes(), sizes("Deferred")], False, ["growing", "warning"]),
    "has a hub that is away": ([HubError(502, "The hub does not answer.")], False, ["warning"]),
    "is refused": ([sizes(), HubError(403, "Not for you.")], False, ["growing", "warning"]),
}


@pytest.mark.parametrize("name", GROWS)
def test_a_server_that_grows(name: str) -> None:
    answers, comes, kinds = GROWS[name]
    said = Notices()
    assert Growth(FakeHub(*answers), said, pause=lambda _: None).grow(1024) is comes
    assert [each["kind"] for each in said.listen(lambda _: None)] == kinds


def test_without_a_hub_nothing_grows() -> None:
    assert Growth(None, Notices()).grow(1024) is False
