"""What a project used today, where `kubectl get projects` shows it."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from carrel_operator.api import Project
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import ClusterError
from carrel_operator.quantities import size
from carrel_warehouse.cluster_view import ClusterView
from carrel_warehouse.ledger.usage import Reader, Usage
from carrel_warehouse.price import Price

FIELD_MANAGER = "carrel-ledger"
_LOOK_SECONDS = 10.0
_PAUSE_SECONDS = 60.0  # between two writes of one project
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
log = logging.getLogger(__name__)


def status(project: Project, rows: Iterable[Usage], day: date, price: Price) -> dict[str, Any]:
    """What `status.usage` of a project says, given all that was used that day."""
    own = [row for row in rows if row.project == project.name]
    billed, limit = sum(row.bytes for row in own), project.warehouse.budget.bytes_per_day
    query_cost, pod_cost = sum(row.query_cost for row in own), sum(row.pod_cost for row in own)
    return {
        "day": day.isoformat(),
        "bytes": str(billed),
        "queries": sum(row.queries for row in own),
        "read": size(billed) if limit is None else f"{size(billed)} of {size(limit)}",
        "queryCost": price.say(query_cost),
        "podHours": f"{sum(row.pod_hours for row in own):.1f}",
        "podCost": price.say(pod_cost),
        "cost": price.say(query_cost + pod_cost),
    }


class UsageStatus:
    """Writes only what differs from what stands there, and each project at most once a minute."""

    def __init__(self, cluster: Cluster, view: ClusterView, reader: Reader, price: Price) -> None:
        self._cluster, self._view, self._reader, self._price = cluster, view, reader, price
        self._written: dict[str, tuple[dict[str, Any], datetime]] = {}  # by a project's uid

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self.look(datetime.now(UTC))
            except Exception:  # a disk that fails: it is tried again, and queries go on
                log.exception("What projects have used could not be told.")
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self, now: datetime) -> None:
        """Write what is new of all projects."""
        projects, day = self._view.projects(), now.date()
        rows = await asyncio.to_thread(self._reader.usage, day, day) if projects else []
        there = {each.metadata.uid for each in projects}
        self._written = {uid: each for uid, each in self._written.items() if uid in there}
        for project in projects:
            wanted = status(project, rows, day, self._price)
            if self._is_due(project, wanted, now):
                await self._write(project, wanted, now)

    def _is_due(self, project: Project, wanted: dict[str, Any], now: datetime) -> bool:
        said, at = self._written.get(project.metadata.uid, (project.usage, _LONG_AGO))
        return said != wanted and (now - at).total_seconds() >= _PAUSE_SECONDS

    async def _write(self, project: Project, wanted: dict[str, Any], now: datetime) -> None:
        try:
            await self._cluster.apply_status(
                project.metadata, {"usage": wanted}, FIELD_MANAGER, kind="Project"
            )
        except ClusterError as error:
            log.warning("What project %s has used could not be written: %s", project.name, error)
        else:
            self._written[project.metadata.uid] = wanted, now
