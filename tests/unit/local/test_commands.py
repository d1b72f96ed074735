"""Other programs' failures become sentences, and one command at a time changes a cluster."""

import subprocess
import sys
from pathlib import Path

import pytest

from carrel_local import instance as instances
from carrel_local import lock
from carrel_local.commands import follow, run, succeeds
from carrel_local.problem import Problem


def test_what_a_program_prints_is_returned() -> None:
    assert run("cat", stdin="hello") == "hello"
    assert succeeds("true")
    assert not succeeds("false")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        pytest.param(["sh", "-c", "echo first; echo the reason >&2; exit 3"], "the reason", id="it fails"),
        pytest.param(["no-such-program"], "no-such-program is not installed", id="it is not there"),
    ],
)
def test_a_failure_says_which_program_and_why(command: list[str], words: str) -> None:
    with pytest.raises(Problem, match=words):
        run(*command)


def test_a_program_that_hangs_is_given_up() -> None:
    with pytest.raises(Problem, match="did not finish within"):
        run("sleep", "60", timeout=0.1)


def test_a_long_program_is_followed_line_by_line_and_kept_in_a_log(tmp_path: Path) -> None:
    lines: list[str] = []
    log = tmp_path / "logs" / "x.log"
    follow("sh", "-c", "echo one; echo; echo two >&2", log=log, each_line=lines.append)
    assert lines == ["one", "two"]
    assert log.read_text() == "one\n\ntwo\n"
    with pytest.raises(Problem, match=r"x\.log\):\nthree"):
        follow("sh", "-c", "echo three; exit 1", log=log, each_line=lines.append)


def test_the_second_holder_of_a_lock_is_refused_until_the_first_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "LOCKS", tmp_path)
    holder = f"import fcntl,time; f=open({str(tmp_path / 'carrel')!r},'w'); fcntl.flock(f,2); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(Problem, match="wait"), lock.held("carrel", "Somebody is at work: wait."):
            pytest.fail("two at once")
        process.kill()
        process.wait()
        with lock.held("carrel", "Somebody is at work: wait."):
            pass


def test_a_cluster_that_is_being_deleted_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instances, "STATES", tmp_path)
    for name, number in {"blue": 2, "red.leaving": 3}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "number").write_text(str(number))
    assert instances.numbers() == {"blue": 2}
