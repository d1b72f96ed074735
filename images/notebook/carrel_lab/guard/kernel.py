"""The guard's part inside each kernel: which cell runs, and the end of a cell that uses up the memory.

The agent is another process, and this is how the two meet: two small files of the kernel's process in the runtime
folder, and one signal. SIGUSR1, not SIGINT: whoever presses Stop gets the ordinary KeyboardInterrupt.
"""

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

SIGNAL = signal.SIGUSR1

_LONGEST_LINE = 120


class MemoryLimitReached(BaseException):
    """The cell was stopped before it used up the server's memory.

    No ``Exception``, so that ``except Exception`` in a loop does not swallow it.
    """


def folder() -> Path:
    """Where kernels and agent leave each other notes; it is the pod's own, and never the home, which may be full."""
    return Path(os.environ.get("JUPYTER_RUNTIME_DIR", "/tmp/jupyter-runtime"))  # noqa: S108


def cell_file(pid: int) -> Path:
    """Which cell a kernel runs; that it exists says that the kernel knows our signal."""
    return folder() / f"carrel-cell-{pid}"


def message_file(pid: int) -> Path:
    """Why a kernel's cell is about to be stopped."""
    return folder() / f"carrel-stop-{pid}"


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Listen; named by /opt/venv/etc/ipython/ipython_config.py."""
    guarded = _Guarded(shell)
    shell.events.register("pre_run_cell", guarded.begin)
    shell.events.register("post_run_cell", guarded.end)
    signal.signal(SIGNAL, guarded.stop)
    guarded.tell("")


class _Guarded:
    """One kernel."""

    def __init__(self, shell: "InteractiveShell") -> None:
        self._shell = shell
        self._running = False
        self._pid = os.getpid()

    def begin(self, info: Any) -> None:  # noqa: ANN401 - IPython's own
        """A cell begins."""
        # IPython has counted on by now, if it counts this one
        number = f"[{self._shell.execution_count - 1}] " if info.store_history else ""
        self.tell(number + _first_line(info.raw_cell))
        self._running = True

    def end(self, _: Any) -> None:  # noqa: ANN401
        """A cell has ended."""
        self._running = False

    def stop(self, _: int, __: object) -> None:
        """The agent asks to end the cell; a kernel at rest takes no notice."""
        if self._running and os.getpid() == self._pid:
            self._running = False
            raise MemoryLimitReached(_read(message_file(self._pid)))

    def tell(self, cell: str) -> None:
        """Leave a note of the cell; a kernel works without it too."""
        with contextlib.suppress(OSError):
            cell_file(self._pid).write_text(cell)


def _first_line(code: str) -> str:
    line = next((each.strip() for each in code.splitlines() if each.strip()), "")
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return "The cell was stopped before it used up the server's memory."
