"""An emulator that died took its running jobs with it, and its successor says of them RUNNING for ever.

One connection is held open that never asks anything: it ends when the process does. Who is at the other end tells the
`numericId` of its project, which local-bigquery makes with Python's `hash` of a text, salted anew in each process.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from carrel_warehouse.stand_in.records import Failure, JobRecords
from carrel_warehouse.stand_in.upstream import signature

# The reason that BigQuery gives a job that began and met with an internal error; its clients run it again.
LOST = Failure(
    "jobBackendError", "The warehouse was restarted while this job ran, so it did not finish. Run it again."
)
PAUSE = 0.2
_HEADERS = {"Authorization": signature("carrel@carrel.invalid")}


def now() -> int:
    """The time as jobs have it."""
    return int(time.time() * 1000)


class Lives:
    """Watches the emulator and marks the jobs that died with one."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: str,
        project: str,
        records: JobRecords,
        clock: Callable[[], int] = now,
    ) -> None:
        self._session = session
        self._projects = f"{address}/bigquery/v2/projects"
        self._project = project
        parts = urlsplit(address)
        self._host, self._port = parts.hostname, parts.port
        self._records = records
        self._clock = clock

    async def watch(self) -> None:
        """Run for ever."""
        # Whatever began before we did, or before the line broke, began in the process that was there then.
        before = self._clock()
        while True:
            try:
                reader, writer = await asyncio.open_connection(self._host, self._port)
            except OSError:
                await asyncio.sleep(PAUSE)
                continue
            try:
                await self._meet(before)
                await reader.read()
                before = self._clock()
            except (aiohttp.ClientError, OSError):
                pass  # gone again before it was known
            finally:
                writer.close()
            await asyncio.sleep(PAUSE)

    async def _meet(self, before: int) -> None:
        known = await self._get(self._projects)
        found = [each["numericId"] for each in known.get("projects", ()) if each["id"] == self._project]
        if not found or found[0] == self._records.process:
            return
        for project in self._records.projects():
            query = f"?stateFilter=pending&stateFilter=running&maxCreationTime={before}"
            listed = await self._get(f"{self._projects}/{project}/jobs{query}")
            lost = [job["jobReference"]["jobId"] for job in listed.get("jobs", ())]
            self._records.fail(project, lost, LOST)
        self._records.process = found[0]

    async def _get(self, url: str) -> dict[str, Any]:
        async with self._session.get(url, headers=_HEADERS) as answer:
            answer.raise_for_status()
            document: dict[str, Any] = await answer.json()
            return document
