"""`jobTimeoutMs`: a query that takes longer than its asker allowed is ended.

Nothing is kept: after a restart of the stand-in a job runs to its end.
"""

import asyncio
from urllib.parse import quote

import aiohttp

from carrel_warehouse.stand_in.records import Failure, JobRecords
from carrel_warehouse.stand_in.slow import SlowJobs
from carrel_warehouse.stand_in.upstream import signature

_LONGEST = 6 * 3600.0  # after which BigQuery ends a query anyway
_HEADERS = {"Authorization": signature("carrel@carrel.invalid")}


class Deadlines:
    """The jobs that may not run for ever."""

    def __init__(
        self, session: aiohttp.ClientSession, address: str, records: JobRecords, slow: SlowJobs
    ) -> None:
        self._session = session
        self._projects = f"{address}/bigquery/v2/projects"
        self._records = records
        self.slow = slow
        self._waiting: set[asyncio.Task[None]] = set()

    def note(self, project: str, job: str, milliseconds: object) -> None:
        """Begin the time of a job; what is no number of milliseconds above 0 sets none, as in BigQuery."""
        given = str(milliseconds)
        if given.isascii() and given.isdecimal() and int(given):
            waiting = asyncio.create_task(self._end(project, job, min(int(given) / 1000, _LONGEST)))
            self._waiting.add(waiting)
            waiting.add_done_callback(self._waiting.discard)

    def close(self) -> None:
        """Forget them all."""
        for each in self._waiting:
            each.cancel()

    async def _end(self, project: str, job: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        address = f"{self._projects}/{quote(project, safe='')}/jobs/{quote(job, safe='')}"
        if self.slow.left(project, job) or await self._is_running(address):
            message = f"Job execution was cancelled: Job timed out after {seconds:g}s"
            self._records.fail(project, [job], Failure("stopped", message))
            self.slow.cancel(project, job)
            async with self._session.post(f"{address}/cancel", headers=_HEADERS):
                pass

    async def _is_running(self, address: str) -> bool:
        async with self._session.get(address, headers=_HEADERS) as answer:
            if answer.status != 200:
                return False
            found = await answer.json()
            return bool(found.get("status", {}).get("state") != "DONE")
