"""Counts how long servers run, by what the watches tell: the cluster is asked for nothing."""

import asyncio
import contextlib
import logging
from datetime import UTC, date, datetime

from carrel_operator.api.times import moment
from carrel_warehouse.cluster_view import ClusterView, Pod
from carrel_warehouse.ledger import hours
from carrel_warehouse.ledger.hours import Run
from carrel_warehouse.ledger.store import Ledger

_EVERY_SECONDS = 60.0
_PAUSE_SECONDS = 1.0  # many pods that change at once are looked at once
log = logging.getLogger(__name__)


class PodHours:
    """Every minute, and when a pod begins, ends or changes: so an end is not noticed late."""

    def __init__(self, view: ClusterView, ledger: Ledger) -> None:
        self._view, self._ledger = view, ledger
        self._before: dict[str, Run] = {}
        self._day: date | None = None

    async def run(self) -> None:
        """Count for ever, and once more at the end."""
        changed = asyncio.Event()
        with self._view.heard(changed):
            try:
                while True:
                    self._try(datetime.now(UTC))
                    await asyncio.sleep(_PAUSE_SECONDS)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), _EVERY_SECONDS)
                    changed.clear()
            finally:
                self._try(datetime.now(UTC))

    def tick(self, now: datetime) -> None:
        """Count until now."""
        seen = [run for pod in self._view.pods() if (run := self._run_of(pod))]
        runs = hours.runs_to_count(self._before, seen, now)
        times, until = hours.count(runs, self._ledger.counted(), now)
        self._ledger.count(times, {run.pod: until[run.pod] for run in seen})
        self._before = {run.pod: run for run in seen}
        if self._day != now.date():
            self._day = now.date()
            self._ledger.forget(self._day)

    def _try(self, now: datetime) -> None:
        try:
            self.tick(now)
        except Exception:  # a full disk: what is not counted now is counted later
            log.exception("The hours of servers could not be written down; trying again in a minute.")

    def _run_of(self, pod: Pod) -> Run | None:
        since, ended = moment(pod.started), moment(pod.ended)
        if since is None or (pod.has_ended and ended is None):
            return None
        size = self._size_of(pod)
        known = self._view.instance_type(size)
        price = float(known.price_per_hour or 0) if known else 0.0
        return Run(pod.uid, pod.person, pod.project, pod.notebook, size, price, since, ended)

    def _size_of(self, pod: Pod) -> str:
        """The size it has now: the pod itself says only with which it began."""
        notebook = self._view.notebook(pod.notebook)
        if notebook and notebook.status.session == pod.session and notebook.status.instance_type:
            return notebook.status.instance_type
        return pod.instance_type
