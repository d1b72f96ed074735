"""Runs another program and turns its failure into a sentence."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .problem import Problem

# Where administrators' programs are; a shell that became root by `su` may not look there.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_RUNNING: set[subprocess.Popen[str]] = set()


def run(
    *command: str | Path,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> str:
    """What the program prints.

    Raises:
        Problem: it failed, is not there or took longer than `timeout` seconds; with the last lines it wrote.
    """
    arguments = [str(part) for part in command]
    try:
        done = subprocess.run(
            arguments,
            input=stdin,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=timeout,
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError as error:
        raise Problem(f"The program {arguments[0]} is not installed.") from error
    except subprocess.TimeoutExpired as error:
        raise Problem(f"{shown(arguments)} did not finish within {timeout:.0f} s.") from error
    except subprocess.CalledProcessError as error:
        said = last_lines(error.stderr or error.stdout)
        raise Problem(f"{shown(arguments)} failed: {said}") from error
    return done.stdout


def succeeds(*command: str | Path) -> bool:
    """Whether the program ends without an error."""
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False)
    return done.returncode == 0


def shown(arguments: Sequence[str]) -> str:
    """The beginning of a command, for a sentence."""
    text = " ".join(arguments)
    return text if len(text) <= 100 else f"{text[:100]}…"


def stop_all() -> None:
    """Kill the long programs that still run, when their work is no longer wanted."""
    for process in list(_RUNNING):
        process.kill()


def _dies_with_us() -> list[str]:
    """Half-built things are made anew by the next run, so no builder may live on beside it."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def last_lines(text: str, count: int = 12) -> str:
    """The last lines of what a program wrote."""
    return "\n".join(text.strip().splitlines()[-count:])


def follow(
    *command: str | Path,
    log: Path,
    each_line: Callable[[str], None],
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a program that takes long, passing on each line it writes.

    Raises:
        Problem: it failed; with its last lines and the path of the whole log.
    """
    arguments = [str(part) for part in command]
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w") as copy,
        subprocess.Popen(
            [*_dies_with_us(), *arguments],
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        _RUNNING.add(process)
        for line in process.stdout or ():
            copy.write(line)
            if line.strip():
                each_line(line.strip())
    _RUNNING.discard(process)
    if process.returncode:
        raise Problem(f"{shown(arguments)} failed (all of it is in {log}):\n{last_lines(log.read_text())}")
