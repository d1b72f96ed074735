"""Stops servers in which nothing runs.

A server asks for it itself: only it knows what runs, so whoever begins to work at the last moment wins, and neither a
clock that jumps nor a hub that was away stops anybody's work. Servers that never ask, because their image has no
agent or it has died, are found by looking, and stopped when they have been overdue for as long again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from carrel_hub import activity
from carrel_hub.notebooks import Notebooks
from carrel_operator import idle
from carrel_operator.api import Notebook
from carrel_operator.cluster_errors import ClusterError
from carrel_operator.settings import Cull

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS = 60.0


@dataclass(frozen=True, slots=True)
class Hub:
    """What JupyterHub knows of a server, by its owner and its name."""

    last_used: Callable[[str, str], datetime | None]
    gone: Callable[[str, str], Awaitable[None]]  # have it look for a server that has been stopped


class Stopper:
    """Acts on the rule in ``carrel_operator.idle``."""

    def __init__(self, notebooks: Notebooks, policy: Cull, hub: Hub) -> None:
        self._notebooks, self._policy, self._hub = notebooks, policy, hub
        self._overdue: dict[str, tuple[idle.Stop, float]] = {}  # since when, on a clock that never jumps

    async def run(self) -> None:
        """Look for ever; what is looked at is in memory."""
        while self._policy.enabled:
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
            try:
                await self.look(datetime.now(UTC), time.monotonic())
            except Exception:
                log.exception("Looking for idle servers failed; it goes on.")

    async def look(self, now: datetime, at: float) -> None:
        """Stop who is long overdue."""
        sizes = (await self._notebooks.view.catalogue()).instance_types
        seen = {each.name: each for each in await self._notebooks.view.all()}
        for name in self._overdue.keys() - seen.keys():
            del self._overdue[name]
        if not self._notebooks.view.fresh:
            return  # what they say may have been said long ago
        for notebook in seen.values():
            size = sizes.get(notebook.instance_type)
            stop = idle.planned(notebook, size, self._policy)
            if stop is None or stop.at > now:
                self._overdue.pop(notebook.name, None)
            elif stop.idle_since is None or self._is_long_overdue(notebook, stop, at):
                await self._stop_unless_used(notebook, stop, now)

    async def stop(self, notebook: Notebook, stop: idle.Stop, now: datetime) -> bool:
        """Stop exactly what was judged; False when anything about it has changed meanwhile."""
        if not await self._notebooks.stop_by_itself(notebook, idle.farewell(stop, now)):
            return False
        log.info("%s was stopped: nothing had run since %s", notebook.name, stop.idle_since)
        await self._hub.gone(notebook.owner, notebook.server)
        return True

    def _is_long_overdue(self, notebook: Notebook, stop: idle.Stop, at: float) -> bool:
        known, since = self._overdue.setdefault(notebook.name, (stop, at))
        if known != stop:
            self._overdue[notebook.name], since = (stop, at), at
        allowed = stop.at - stop.idle_since if stop.idle_since else timedelta()
        return at - since >= allowed.total_seconds()

    async def _stop_unless_used(self, notebook: Notebook, stop: idle.Stop, now: datetime) -> None:
        used = activity.last_used(notebook, self._hub.last_used(notebook.owner, notebook.server))
        try:
            if stop.idle_since and used is not notebook:
                await self._notebooks.tell_activity(used)
            else:
                await self.stop(notebook, stop, now)
        except ClusterError as error:
            log.warning("%s was not stopped: %s", notebook.name, error)
