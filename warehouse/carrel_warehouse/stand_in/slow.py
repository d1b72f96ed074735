"""Jobs that take as long as their label says, to try what waits for a query: otherwise all here are over at once.

The emulator runs such a job when it comes, like any other. Until its time is over it is shown as running, and its rows
are held back; cancelling it ends the wait, and it has no rows then. Nothing is kept: after a restart of the stand-in it
is over.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from carrel_warehouse.stand_in.records import Failure

LABEL = "stand_in_seconds"
CANCELLED = Failure("stopped", "Job execution was cancelled: User requested cancellation")
_LONGEST = 6 * 3600.0  # after which BigQuery ends a query
_WHILE_RUNNING = ("creationTime", "startTime")  # the statistics that a running job has

Json = dict[str, Any]


class SlowJobs:
    """The jobs whose time is not over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: dict[tuple[str, str], float] = {}
        self._cancelled: dict[tuple[str, str], asyncio.Event] = {}

    def note(self, project: str, job: str, labels: object) -> None:
        """Begin the time of a job that has the label; a job that is known has its time already."""
        asked = labels.get(LABEL) if isinstance(labels, Mapping) else None
        if isinstance(asked, str) and asked.isascii() and asked.isdecimal():
            self._ends.setdefault((project, job), self._clock() + min(float(asked), _LONGEST))

    def left(self, project: str, job: str) -> float:
        """The seconds until its time is over; 0 for every other job."""
        return max(self._ends.get((project, job), 0.0) - self._clock(), 0.0)

    async def over(self, project: str, job: str, seconds: float) -> None:
        """Wait until its time is over or it was cancelled, for so many seconds at most."""
        if left := self.left(project, job):
            cancelled = self._cancelled.setdefault((project, job), asyncio.Event())
            with suppress(TimeoutError):
                await asyncio.wait_for(cancelled.wait(), min(left, seconds))

    def cancel(self, project: str, job: str) -> bool:
        """End its time now; whether it was not over."""
        is_running = self.left(project, job) > 0
        if is_running:
            self._ends[project, job] = self._clock()
            self._cancelled.setdefault((project, job), asyncio.Event()).set()
        return is_running

    def shown(self, project: str, resource: Json) -> Json:
        """A job as it is to be seen now."""
        if not self.left(project, resource["jobReference"].get("jobId", "")):
            return resource
        statistics = resource.get("statistics", {})
        known = {name: statistics[name] for name in _WHILE_RUNNING if name in statistics}
        running: Json = {"status": {"state": "RUNNING"}, "statistics": known}
        if "state" in resource:  # in a list
            running["state"] = "RUNNING"
        return {key: value for key, value in resource.items() if key != "errorResult"} | running
