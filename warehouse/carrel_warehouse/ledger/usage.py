"""What was used, by day, person, project and notebook: queries and hours side by side."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from carrel_warehouse.ledger.store import FILE
from carrel_warehouse.price import Price

# A running query counts with its estimate, as it does for budgets.
_BY_NOTEBOOK = """
SELECT day, person, project, notebook, SUM(bytes), SUM(queries), SUM(seconds), SUM(pod_cost) FROM (
    SELECT day, person, project, notebook, SUM(billed) AS bytes, COUNT(*) AS queries, 0 AS seconds, 0 AS pod_cost
    FROM charges WHERE day BETWEEN :since AND :until GROUP BY day, person, project, notebook
    UNION ALL
    SELECT day, person, project, notebook, 0, 0, SUM(seconds), SUM(seconds * price_per_hour) / 3600
    FROM times WHERE day BETWEEN :since AND :until GROUP BY day, person, project, notebook
)
GROUP BY day, person, project, notebook ORDER BY day, project, person, notebook
"""
# What is not over may still become less, which a counter must not.
_QUERIES = """
SELECT person, project, billing_project, SUM(billed), COUNT(*) FROM charges
WHERE day = :day AND state != 'RUNNING' GROUP BY person, project, billing_project
"""
_SERVERS = """
SELECT person, project, size, SUM(seconds), SUM(seconds * price_per_hour) / 3600 FROM times
WHERE day = :day GROUP BY person, project, size
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one notebook used on one day; `notebook` is empty for queries that came from none."""

    day: str
    person: str
    project: str
    notebook: str
    bytes: int
    queries: int
    query_cost: float
    pod_hours: float
    pod_cost: float

    @property
    def cost(self) -> float:
        """All together."""
        return self.query_cost + self.pod_cost

    def view(self) -> dict[str, Any]:
        """As the API tells it."""
        return {
            "day": self.day,
            "person": self.person,
            "project": self.project,
            "notebook": self.notebook,
            "bytes": self.bytes,
            "queries": self.queries,
            "query_cost": round(self.query_cost, 6),
            "pod_hours": round(self.pod_hours, 4),
            "pod_cost": round(self.pod_cost, 6),
            "cost": round(self.cost, 6),
        }


class Reader:
    """Sums over the ledger's file, over a connection of its own: a long one keeps no query waiting."""

    def __init__(self, folder: Path, price: Price) -> None:
        self._path, self._price = folder / FILE, price

    def usage(self, since: date, until: date = date.max) -> list[Usage]:
        """The rows of these days."""
        days = {"since": since.isoformat(), "until": until.isoformat()}
        with self._open() as database:
            return [self._usage(row) for row in database.execute(_BY_NOTEBOOK, days)]

    def queries(self, day: date) -> list[tuple[str, str, str, int, int]]:
        """Of one day by person, project and billing project: the bytes and number of queries that are over."""
        with self._open() as database:
            return list(database.execute(_QUERIES, {"day": day.isoformat()}))

    def servers(self, day: date) -> list[tuple[str, str, str, float, float]]:
        """Of one day by person, project and size: seconds and cost of servers."""
        with self._open() as database:
            return list(database.execute(_SERVERS, {"day": day.isoformat()}))

    def _usage(self, row: tuple[Any, ...]) -> Usage:
        day, person, project, notebook, billed, queries, seconds, pod_cost = row
        cost = self._price.amount(billed)
        return Usage(day, person, project, notebook, billed, queries, cost, seconds / 3600, pod_cost)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True)) as database:
            yield database
