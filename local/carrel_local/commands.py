"""Runs another program and turns its failure into a sentence."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .problem import Problem


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


def last_lines(text: str, count: int = 12) -> str:
    """The last lines of what a program wrote."""
    return "\n".join(text.strip().splitlines()[-count:])
