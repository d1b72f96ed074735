"""What was used, as somebody may see it and as the page shows it: sums by person and project."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from carrel_operator import names

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks; `projects` are those that they administer."""

    name: str
    everything: bool = False
    projects: Collection[str] = ()

    def sees(self, row: Row) -> bool:
        """Whether a row is theirs to see."""
        own = self.everything or row["person"] == self.name
        return own or (bool(row["project"]) and row["project"] in self.projects)


@dataclass
class Line:
    """One person's use for one project, or on their own account if `project` is empty."""

    person: str
    project: str
    queries: int = 0
    bytes: int = 0
    query_cost: float = 0.0
    pod_hours: float = 0.0
    pod_cost: float = 0.0
    cost: float = 0.0
    cost_today: float = 0.0

    def add(self, row: Row, today: str) -> None:
        """Count a row too."""
        self.queries += row["queries"]
        self.bytes += row["bytes"]
        self.query_cost += row["query_cost"]
        self.pod_hours += row["pod_hours"]
        self.pod_cost += row["pod_cost"]
        self.cost += row["cost"]
        if row["day"] == today:
            self.cost_today += row["cost"]


def lines(rows: Iterable[Row], today: date) -> list[Line]:
    """Sums, the dearest first; a project's own server has no person."""
    found: dict[tuple[str, str], Line] = {}
    for row in rows:
        person = "" if names.project_of(row["person"]) else row["person"]
        whose = person, row["project"]
        found.setdefault(whose, Line(*whose)).add(row, today.isoformat())
    return sorted(found.values(), key=lambda line: (-line.cost, -line.bytes, line.project, line.person))


def total(rows: Iterable[Row], today: date) -> Line:
    """All of them together."""
    everything = Line("", "")
    for row in rows:
        everything.add(row, today.isoformat())
    return everything


def cost(amount: float, currency: str) -> str:
    """An amount to the cent, and never 0 for what costs something."""
    return f"under {currency}0.01" if 0 < amount < 0.01 else f"{currency}{amount:,.2f}"
