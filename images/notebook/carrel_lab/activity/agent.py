"""Looks every few seconds at what runs, tells the hub when that changes, and the person before the server stops.

A thread of its own: it waits for the hub, and a busy event loop must not make it blind.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from carrel_lab.activity.eyes import Eyes
from carrel_lab.activity.rest import Rest, Word
from carrel_lab.guard.hub import Hub, HubError
from carrel_lab.guard.notices import Kind, Notices

log = logging.getLogger(__name__)


class Agent(threading.Thread):
    """Keeps the hub's picture of one server true."""

    def __init__(
        self,
        eyes: Eyes,
        hub: Hub | None,
        notices: Notices,
        active: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name="activity", daemon=True)
        self._eyes, self._hub, self._notices = eyes, hub, notices
        self._active, self._clock = active, clock  # to be called while something runs
        self._rest = Rest(clock())
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._warned = False
        self._running: list[str] = []

    def run(self) -> None:
        """Look until told to stop."""
        wait = 0.0
        while not self._ended.wait(wait):
            try:
                wait = self.turn()
            except Exception:
                log.exception("Looking at what runs failed, and goes on.")
                wait = 5.0

    def stop(self) -> None:
        """The server ends."""
        self._ended.set()

    def turn(self) -> float:
        """Look once, say what there is to say; seconds until the next look."""
        at = self._clock()
        self._running = self._eyes.look(at)
        if self._running:
            self._active()
        with self._lock:
            word = self._rest.look(at, active=bool(self._running))
        if word and self._hub:
            self._say(self._hub, word)
        with self._lock:
            return self._rest.wait(self._clock())

    def learned(self, answer: dict[str, Any]) -> None:
        """The hub has said something new about the stop, asked by somebody else."""
        with self._lock:
            soon = self._rest.learned(self._clock(), answer)
        self._warn(soon=soon)

    def view(self) -> dict[str, Any]:
        """What JupyterLab shows."""
        with self._lock:
            plan = self._rest.plan
        return {
            "will_stop_at": plan.will_stop_at,
            "idle_timeout": plan.allowed,
            "keep_until": plan.keep_until,
            "keep_at_most": plan.keep_at_most,
            "running": self._running,
        }

    def _say(self, hub: Hub, word: Word) -> None:
        idle_for = self._rest.idle_for(self._clock())
        try:
            answer = hub.activity({"busy": True} if word is Word.BUSY else {"idle_for": round(idle_for, 1)})
        except HubError as error:
            log.info("The hub was not told what runs: %s", error)
            with self._lock:
                self._rest.failed(self._clock())
            return
        with self._lock:
            soon = self._rest.heard(self._clock(), word, answer)
        self._warn(soon=soon)

    def _warn(self, *, soon: bool) -> None:
        """Tell the person once, and take it back when the server goes on."""
        plan = self._rest.plan
        if soon and not self._warned and plan.at is not None:
            why = (
                "Nothing has run here for a while"
                if plan.for_idleness
                else "The server has run as long as it may"
            )
            when = _words(plan.at - self._clock())
            message = f"{why}, so it stops {when}. Files are kept, variables are lost."
            self._notices.say(Kind.STOPPING, message, will_stop_at=plan.will_stop_at)
        elif self._warned and not soon:
            self._notices.forget(Kind.STOPPING)
        self._warned = soon


def _words(seconds: float) -> str:
    """``in 5 minutes``, ``in 20 seconds``."""
    minutes = round(seconds / 60)
    if minutes >= 2:
        return f"in {minutes} minutes"
    return f"in {max(round(seconds), 1)} seconds"
