"""Work by key: each key at most once at a time, once more if it was asked for meanwhile, later if it failed.

Nothing ticks: a queue without work and without failures holds no timer.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 60.0

logger = logging.getLogger("carrel")


class RetryError(Exception):
    """The work could not be done now; it is tried again after a delay that doubles up to a minute."""

    def __init__(self, message: str, at_least: float | None = None) -> None:
        super().__init__(message)
        self.at_least = at_least or 0.0


class WorkQueue(Generic[K]):
    """Calls ``work(key)`` for every key that is added; its result is the seconds until it wants to be called again."""

    def __init__(self, work: Callable[[K], Awaitable[float | None]], *, workers: int = 16) -> None:
        self._work = work
        self._slots = asyncio.Semaphore(workers)
        self._tasks: dict[K, asyncio.Task[None]] = {}
        self._asked_again: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._began: dict[K, float] = {}

    def add(self, key: K) -> None:
        """Have the key's work done as soon as there is a worker; asking twice before it begins is asking once."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if key in self._began:
            self._asked_again.add(key)
        elif key not in self._tasks:
            self._tasks[key] = asyncio.get_running_loop().create_task(self._run(key), name=f"reconcile {key}")

    def longest_run(self) -> float:
        """For how many seconds the oldest piece of work has been going on; 0 when there is none."""
        return max((time.monotonic() - began for began in self._began.values()), default=0.0)

    async def close(self) -> None:
        """Stop: nothing new begins, and what is going on is cancelled."""
        for timer in self._timers.values():
            timer.cancel()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, key: K) -> None:
        async with self._slots:
            self._began[key] = time.monotonic()
            try:
                again_in = await self._attempt(key)
            finally:
                del self._began[key], self._tasks[key]
        if key in self._asked_again:
            self._asked_again.discard(key)
            self.add(key)
        elif again_in is not None:
            self._timers[key] = asyncio.get_running_loop().call_later(again_in, self._due, key)

    async def _attempt(self, key: K) -> float | None:
        try:
            again_in = await self._work(key)
        except RetryError as error:
            return max(self._delay(key), error.at_least)
        except Exception:  # one key's fault must not stop the others
            logger.exception("%s could not be reconciled", key)
            return self._delay(key)
        self._failures.pop(key, None)
        return again_in

    def _delay(self, key: K) -> float:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        return float(min(_FIRST_DELAY * 2 ** min(failures, 10), _LONGEST_DELAY))

    def _due(self, key: K) -> None:
        del self._timers[key]
        self.add(key)
