"""What the guard has to say to the person: sentences, kept for whoever opens JupyterLab later."""

import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

_KEPT = 20


class Kind(StrEnum):
    """What a notice is about."""

    WARNING = "warning"
    GROWING = "growing"
    GROWN = "grown"
    INTERRUPTED = "interrupted"
    KILLED = "killed"
    DISK = "disk"
    STOPPING = "stopping"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Culprit:
    """The kernel to which something happened; empty where nothing is known."""

    kernel: str = ""
    notebook: str = ""
    cell: str = ""

    @property
    def place(self) -> str:
        """``cell [7] of a.ipynb``, as far as it is known."""
        number = self.cell.partition(" ")[0]
        cell = f"cell {number}" if number else "a cell"
        return f"{cell} of {self.notebook}" if self.notebook else cell

    def body(self) -> dict[str, str | None]:
        """As the page and the hub have it."""
        return {"kernel": self.kernel or None, "notebook": self.notebook or None, "cell": self.cell or None}


@dataclass(frozen=True, slots=True)
class Kill:
    """The end of a cell, a kernel or the server for lack of memory."""

    action: str
    message: str
    culprit: Culprit
    peak: int
    limit: int
    at: str

    def body(self) -> dict[str, Any]:
        """As the page and the hub have it."""
        figures = {"at": self.at, "action": self.action, "message": self.message}
        return figures | {"peak": self.peak, "limit": self.limit} | self.culprit.body()


class Notices:
    """The last notices, and those who listen; for any thread."""

    def __init__(self) -> None:
        self._kept: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._listeners: set[Callable[[dict[str, Any]], None]] = set()
        self._lock = threading.Lock()

    def say(self, kind: Kind, message: str, **more: Any) -> None:  # noqa: ANN401 - any JSON
        """Tell everybody now, and who comes later."""
        notice = {"id": uuid.uuid4().hex, "kind": str(kind), "message": message, "at": now()} | more
        with self._lock:
            self._kept.append(notice)
            listeners = list(self._listeners)
        for listener in listeners:
            listener(notice)

    def forget(self, kind: Kind) -> None:
        """What was said of that kind is no longer true, so nobody who comes later hears it."""
        with self._lock:
            kept = [each for each in self._kept if each["kind"] != str(kind)]
            self._kept.clear()
            self._kept.extend(kept)

    def listen(self, listener: Callable[[dict[str, Any]], None]) -> list[dict[str, Any]]:
        """Hear of every notice from now on; the answer is those that were kept."""
        with self._lock:
            self._listeners.add(listener)
            return list(self._kept)

    def leave(self, listener: Callable[[dict[str, Any]], None]) -> None:
        """Hear no more."""
        with self._lock:
            self._listeners.discard(listener)


def now() -> str:
    """The time as it is written everywhere."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def size(value: float) -> str:
    """Bytes as a person says them: ``1.4 GiB``."""
    for unit in ("GiB", "MiB", "KiB"):
        scale = {"GiB": 2**30, "MiB": 2**20, "KiB": 2**10}[unit]
        if value >= scale:
            return f"{value / scale:.1f}".removesuffix(".0") + f" {unit}"
    return f"{value:.0f} bytes"
