"""What runs, and what a person has done since the last look.

Not an open tab: its polling, its open connections and its questions to a kernel at rest say nothing about work.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from carrel_lab.guard import processes

# A kernel at rest uses a thousandth of a core; one whose cell has left a thread or a program behind that works, this much.
_AT_WORK = 0.1
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Eyes:
    """Looks at the kernels and terminals of one server; each look tells what is going on or new since the one before."""

    def __init__(
        self, kernels: Callable[[], dict[str, Any]], terminals: Callable[[], dict[str, Any]], notes: Path
    ) -> None:
        self._kernels, self._terminals, self._notes = kernels, terminals, notes
        self._activities: dict[str, Any] = {}
        self._cpu: dict[str, tuple[float, float]] = {}
        self._touched = False

    def touch(self) -> None:
        """A person did something that leaves no other trace; from any thread."""
        self._touched = True

    def look(self, at: float) -> list[str]:
        """What keeps the server busy, in words; empty when nothing does."""
        touched, self._touched = self._touched, False
        found = [*self._in_kernels(at), *self._in_terminals(), *self._queries()]
        return [*found, "a document was saved"] if touched else found

    def _in_kernels(self, at: float) -> Iterator[str]:
        kernels = self._kernels()
        for gone in self._cpu.keys() - kernels.keys():
            del self._cpu[gone]
        for name, kernel in kernels.items():
            pid = _pid(kernel)
            works = self._works(name, pid, at) if pid else False
            is_new = self._is_new(f"kernel {name}", getattr(kernel, "last_activity", None))
            if getattr(kernel, "execution_state", "") == "busy":
                yield "a cell runs"
            elif works:
                yield "a kernel works in the background"
            elif is_new:
                yield "a cell has run"

    def _in_terminals(self) -> Iterator[str]:
        for name, terminal in self._terminals().items():
            shell = getattr(getattr(terminal, "ptyproc", None), "pid", None)
            is_new = self._is_new(f"terminal {name}", getattr(terminal, "last_activity", None))
            if shell and any(map(processes.exists, set(processes.descendants(shell)) - {shell})):
                yield f"a program runs in terminal {name}"
            elif is_new:
                yield f"terminal {name} was used"

    def _queries(self) -> Iterator[str]:
        for note in self._notes.glob("carrel-queries-*"):
            number = note.name.rpartition("-")[2]
            if number.isdigit() and processes.exists(int(number)):
                yield "a query runs in the warehouse"

    def _is_new(self, what: str, activity: Any) -> bool:  # noqa: ANN401 - a time, whatever its type
        """Whether a time is another than at the last look; at the first look it is new by itself."""
        known = self._activities.get(what)
        self._activities[what] = activity
        return activity is not None and activity != known

    def _works(self, name: str, pid: int, at: float) -> bool:
        """Whether the processes of a kernel use a processor, whatever the kernel says of itself."""
        used = sum(map(processes.ticks, processes.descendants(pid))) / _TICKS_PER_SECOND
        before, since = self._cpu.get(name, (used, at))
        self._cpu[name] = (used, at)
        return at > since and (used - before) / (at - since) >= _AT_WORK


def _pid(kernel: Any) -> int | None:  # noqa: ANN401
    """The process of a kernel; none while it starts or ends."""
    try:
        return int(kernel.provisioner.process.pid)
    except (AttributeError, TypeError):
        return None
