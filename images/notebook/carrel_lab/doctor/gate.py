"""Ready means ready: a start waits, for a while, until this notebook's first query would succeed.

The gate asks beside JupyterLab's own boot, so a start that is in order is not slower for it; the server listens when
the gate is through or its patience is over. Then it goes on asking, and tells the hub and the person how it stands.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from carrel_lab.doctor.examination import Examination
from carrel_lab.doctor.findings import Finding
from carrel_lab.doctor.place import Place

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_SECONDS_BETWEEN_LOOKS = 30.0
_LOOKS = 120  # an hour


@dataclass(frozen=True, slots=True)
class Identity:
    """Whether a query would succeed now; the sentence names what is missing."""

    ready: bool
    message: str = ""


Told = Callable[[Identity], None]


class Gate:
    """Asks in a thread of its own; ``wait`` is for the one that starts the server."""

    def __init__(
        self, look: Callable[[], str], patience: float, between_looks: float = _SECONDS_BETWEEN_LOOKS
    ) -> None:
        self._look, self._patience, self._between = look, patience, between_looks
        self._decided = threading.Event()
        self._lock = threading.Lock()
        self._listeners: list[Told] = []
        self._identity: Identity | None = None
        self._began = time.monotonic()

    def open(self) -> None:
        """Begin to ask."""
        threading.Thread(target=self._run, name="identity gate", daemon=True).start()

    def wait(self) -> None:
        """Return when a query would succeed, or when the time is over, counted from the beginning."""
        self._decided.wait(max(0.0, self._began + self._patience - time.monotonic()))

    def listen(self, told: Told) -> None:
        """Hear how it stands, as soon as that is known and whenever it changes; in any thread."""
        with self._lock:
            self._listeners.append(told)
            identity = self._identity
        if identity:
            told(identity)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while message := self._look():
            left = self._began + self._patience - time.monotonic()
            if left <= 0:
                self._settle(Identity(ready=False, message=message))
                self._go_on()
                return
            time.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_PAUSE)
        self._settle(Identity(ready=True))

    def _go_on(self) -> None:
        for _ in range(_LOOKS):
            time.sleep(self._between)
            message = self._look()
            self._settle(Identity(ready=not message, message=message))
            if not message:
                return

    def _settle(self, identity: Identity) -> None:
        with self._lock:
            news = identity != self._identity
            self._identity = identity
            listeners = list(self._listeners) if news else []
        self._decided.set()
        for told in listeners:
            told(identity)


_gate: Gate | None = None  # start.py makes it before there is a server that could hold it


def begin(environment: Mapping[str, str]) -> Gate | None:
    """The gate of this server, at work; None where there is no warehouse to wait for."""
    global _gate  # noqa: PLW0603 - one process is one server
    if place := Place.from_environment(environment):
        _gate = Gate(lambda: trouble(Examination(place).essential()), place.patience)
        _gate.open()
    return _gate


def current() -> Gate | None:
    """The gate that ``begin`` made."""
    return _gate


def trouble(findings: list[Finding]) -> str:
    """The sentence about the first link that is broken; empty when all hold."""
    broken = next((each for each in findings if each.failed), None)
    return f"Queries do not work yet ({broken.name}): {broken.message}" if broken else ""
