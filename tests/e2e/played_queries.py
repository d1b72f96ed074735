"""Answers of the panel's routes that no small cluster has on demand."""

import json
from typing import Any

from playwright.sync_api import Route

GIB = 2**30
NOW = 1_800_000_000_000
SILENT = "The warehouse does not answer. Queries that run go on; try again in a moment."


class Played:
    """Answers as the server would."""

    def __init__(self) -> None:
        self.queries: list[dict[str, Any]] = []
        self.left = 8.8 * GIB
        self.status = 200
        self.asked = 0
        self.cancelled: list[str] = []

    def answer(self, route: Route) -> None:
        if route.request.method == "POST":
            self.cancelled.append(route.request.url.partition("/carrel/queries/")[2])
            route.fulfill(json={})
            return
        self.asked += 1
        if self.status != 200:
            route.fulfill(status=self.status, json={"message": SILENT})
            return
        route.fulfill(body=json.dumps({"queries": self.queries, "budget": self._budget(), "now": NOW}))

    def _budget(self) -> dict[str, Any]:
        limits = {"bytes_per_query": 2 * GIB, "bytes_per_day": 10 * GIB}
        spending = {
            "spent_today": 10 * GIB - self.left,
            "left_today": self.left,
            "resets_at": "2026-11-29T00:00:00Z",
        }
        raised_by = "an administrator can raise it in spec.warehouse.budget of the Project risk"
        return limits | spending | {"payer": "project risk", "currency": "$", "raised_by": raised_by}


def query(name: str, seconds_ago: float, state: str, statement: str, **more: Any) -> dict[str, Any]:
    created = NOW - int(seconds_ago * 1000)
    times = {"created": created, "started": created, "ended": None if state == "running" else created + 2140}
    place = {"cell": "no-such-cell", "document": "welcome.ipynb", "location": "EU"}
    figures = {"bytes_processed": 1.2 * GIB, "bytes_billed": 1.2 * GIB, "cost": 0.0073, "cache_hit": False}
    return {
        "id": name,
        "state": state,
        "statement": statement,
        "error": None,
        **times,
        **place,
        **figures,
        **more,
    }


EVERYTHING = [
    query(
        "q1",
        12,
        "running",
        "SELECT carrier, AVG(dep_delay) AS delay\nFROM flights GROUP BY carrier",
        cost=None,
        bytes_processed=None,
    ),
    query(
        "q2",
        190,
        "done",
        "-- by month\nSELECT origin, month, COUNT(*) AS flights, AVG(arr_delay) AS delay\nFROM "
        "nycflights13.flights JOIN nycflights13.weather USING (origin, time_hour)\nGROUP BY origin, month",
        cost=1.25,
    ),
    query(
        "q3",
        4000,
        "failed",
        "SELECT no_such_column FROM flights",
        error="Unrecognized name: no_such_column at [1:8]",
    ),
    query("q4", 9000, "cancelled", "SELECT * FROM flights a, flights b"),
    query(
        "q5", 90_000, "done", "SELECT 1", cache_hit=True, cost=0, bytes_processed=0, document=None, cell=None
    ),
    *(query(f"q{number}", 90_000 * number, "done", f"SELECT {number} AS month") for number in range(6, 18)),
]
