"""The memory of a process with all its descendants, and what a process says about itself, from /proc."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MOST_LIKELY_TO_BE_KILLED = "1000"


def resident(pid: int) -> int:
    """Bytes of memory that one process holds; 0 when it is gone."""
    try:
        return int((PROC / str(pid) / "statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0


def descendants(pid: int) -> list[int]:
    """The process itself and all that came from it."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting.extend(children.get(found[-1], ()))
    return found


def ticks(pid: int) -> int:
    """Processor time that one process has used, in the system's clock ticks; 0 when it is gone."""
    try:
        fields = (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[11]) + int(fields[12])
    except (OSError, IndexError, ValueError):
        return 0


def exists(pid: int) -> bool:
    """Whether the process lives; one that only waits to be collected does not."""
    try:
        state = (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in {b"Z", b"X"}


def variable(pid: int, name: str) -> str:
    """A variable of the environment that the process was started with; empty when there is none."""
    try:
        environment = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return ""
    key = f"{name}=".encode()
    found = next((each for each in environment.split(b"\0") if each.startswith(key)), b"")
    return found.removeprefix(key).decode(errors="replace")


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def offer_first(pids: list[int]) -> None:
    """Have the kernel's OOM killer take one of these rather than the server itself."""
    for pid in pids:
        with contextlib.suppress(OSError):
            (PROC / str(pid) / "oom_score_adj").write_text(_MOST_LIKELY_TO_BE_KILLED)


def _parents() -> Iterator[tuple[int, int]]:
    for entry in os.listdir(PROC):  # noqa: PTH208 - a tenth of the time that Path takes
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                # after the name, which may hold anything: state, parent
                stat = (PROC / entry / "stat").read_bytes().rpartition(b")")[2].split()
                yield int(entry), int(stat[1])
