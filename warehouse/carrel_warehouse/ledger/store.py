"""The ledger's database: one file, one process that writes."""

import sqlite3
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime
from pathlib import Path


@dataclass(frozen=True)
class Charge:
    """One query: who ran it for whom, and what it cost; `project` is empty where the person pays."""

    billing_project: str
    job: str
    location: str
    day: date
    at: datetime
    person: str
    project: str
    notebook: str
    cell: str
    document: str
    processed: int
    billed: int
    state: str  # RUNNING, DONE or FAILED


class Ledger:
    """Charges by job."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / "ledger.sqlite", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        columns = ", ".join(each.name for each in fields(Charge))
        self._database.execute(
            f"CREATE TABLE IF NOT EXISTS charges ({columns}, PRIMARY KEY (billing_project, location, job))"
        )
        self._database.execute(
            "CREATE INDEX IF NOT EXISTS charges_of_a_day ON charges (day, project, person)"
        )

    def write(self, charge: Charge) -> None:
        """Insert or replace."""
        row = [value.isoformat() if isinstance(value, date) else value for value in astuple(charge)]
        marks = ", ".join("?" for _ in row)
        self._database.execute(f"INSERT OR REPLACE INTO charges VALUES ({marks})", row)

    def find(self, billing_project: str, location: str, job: str) -> Charge | None:
        """The charge of one job, wherever it ran if `location` is empty."""
        found = self._database.execute(
            "SELECT * FROM charges WHERE billing_project = ? AND job = ? AND (location = ? OR ? = '' OR location = '')",
            (billing_project, job, location, location),
        ).fetchone()
        return None if found is None else _charge(found)

    def spent(self, day: date, *, person: str = "", project: str = "") -> int:
        """The bytes billed on a day to a person's own account, or to a project's."""
        where, values = ("project = ?", [project]) if project else ("project = '' AND person = ?", [person])
        found = self._database.execute(
            f"SELECT COALESCE(SUM(billed), 0) FROM charges WHERE day = ? AND {where}",
            [day.isoformat(), *values],
        ).fetchone()
        return int(found[0])

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _charge(row: tuple[object, ...]) -> Charge:
    named = dict(zip((each.name for each in fields(Charge)), row, strict=True))
    named["day"] = date.fromisoformat(str(named["day"]))
    named["at"] = datetime.fromisoformat(str(named["at"]))
    return Charge(**named)  # type: ignore[arg-type]
