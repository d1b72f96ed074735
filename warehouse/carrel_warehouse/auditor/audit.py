"""One round after the other: read what the warehouse lists, and tell the ledger."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import aiohttp
import msgspec

from carrel_operator.cluster_errors import ClusterError
from carrel_warehouse.auditor import reading
from carrel_warehouse.auditor.people import People
from carrel_warehouse.auditor.reading import Json
from carrel_warehouse.auditor.settings import Settings
from carrel_warehouse.auditor.warehouse import AuditError, Warehouse
from carrel_warehouse.ledger.findings import Finding

_FIRST_DAYS = 7  # how far back a new auditor looks
_LONGEST_ROUND = 1800.0
log = logging.getLogger(__name__)


class Auditor:
    """Remembers from when to read on in each project; after a restart it reads the last days again."""

    def __init__(
        self, settings: Settings, warehouse: Warehouse, people: People, session: aiohttp.ClientSession
    ) -> None:
        self._settings, self._warehouse, self._people, self._session = settings, warehouse, people, session
        self._since: dict[str, datetime] = {}
        self.healthy_until = 0.0  # by the event loop's clock

    async def run(self) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        while True:
            self.healthy_until = loop.time() + self._settings.every_seconds + 2 * _LONGEST_ROUND
            try:
                async with asyncio.timeout(_LONGEST_ROUND):
                    await self.round()
            except (ClusterError, TimeoutError) as problem:
                log.warning("This round did not end well: %s", problem or "it took too long")
            await asyncio.sleep(self._settings.every_seconds)

    async def round(self) -> None:
        """Every project that pays, once; one that can't be read keeps no other from it."""
        for project in sorted({self._settings.project, *await self._people.billing_projects()}):
            try:
                await self._audit(project)
            except AuditError as problem:
                log.warning("%s", problem)

    async def _audit(self, project: str) -> None:
        since = self._since.get(project) or datetime.now(UTC) - timedelta(days=_FIRST_DAYS)
        seen: list[tuple[datetime, bool]] = []
        async for jobs in self._warehouse.pages(project, since):
            seen += [(reading.created(job), job.get("status", {}).get("state") == "DONE") for job in jobs]
            found = [each for job in jobs if (each := await self._finding(job))]
            if found and (changed := await self._tell(found)):
                log.info("%s of %s queries in %s were new to the ledger.", changed, len(found), project)
        self._since[project] = reading.next_since(since, seen)

    async def _finding(self, job: Json) -> Finding | None:
        owner = await self._people.owner(reading.account(job, self._settings.namespace))
        return reading.finding(job, owner or reading.address(job))

    async def _tell(self, found: list[Finding]) -> int:
        body = msgspec.json.encode(found)
        try:
            async with self._session.post(f"{self._settings.gateway}/jobs", data=body) as answer:
                answer.raise_for_status()
                return int((await answer.json())["changed"])
        except (aiohttp.ClientError, TimeoutError) as problem:
            reason = str(problem) or type(problem).__name__
            raise AuditError(f"The gateway does not take what was found: {reason}") from problem
