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


_TABLE = """
CREATE TABLE IF NOT EXISTS charges (
    billing_project TEXT, job TEXT, location TEXT, day TEXT, at TEXT, person TEXT, project TEXT, notebook TEXT,
    cell TEXT, document TEXT, processed INTEGER, billed INTEGER, state TEXT,
    PRIMARY KEY (billing_project, location, job)
)
"""
_INDEX = "CREATE INDEX IF NOT EXISTS charges_of_a_day ON charges (day, project, person)"
_WRITE = "INSERT OR REPLACE INTO charges VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FIND = """
SELECT * FROM charges
WHERE billing_project = :billing_project AND job = :job AND (:location IN ('', location) OR location = '')
"""
# a person's own account is where no project pays
_SPENT = """
SELECT COALESCE(SUM(billed), 0) FROM charges
WHERE day = :day AND project = :project AND (:project != '' OR person = :person)
"""


class Ledger:
    """Charges by job."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # One process, one thread, single rows by key: microseconds, so the event loop may wait for them.
        self._database = sqlite3.connect(folder / "ledger.sqlite", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(_TABLE)
        self._database.execute(_INDEX)

    def write(self, charge: Charge) -> None:
        """Insert or replace."""
        row = [value.isoformat() if isinstance(value, date) else value for value in astuple(charge)]
        self._database.execute(_WRITE, row)

    def find(self, billing_project: str, location: str, job: str) -> Charge | None:
        """The charge of one job, wherever it ran if `location` is empty."""
        key = {"billing_project": billing_project, "location": location, "job": job}
        found = self._database.execute(_FIND, key).fetchone()
        return None if found is None else _charge(found)

    def spent(self, day: date, *, person: str = "", project: str = "") -> int:
        """The bytes billed on a day to a person's own account, or to a project's."""
        key = {"day": day.isoformat(), "person": person, "project": project}
        return int(self._database.execute(_SPENT, key).fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _charge(row: tuple[object, ...]) -> Charge:
    named = dict(zip((each.name for each in fields(Charge)), row, strict=True))
    named["day"] = date.fromisoformat(str(named["day"]))
    named["at"] = datetime.fromisoformat(str(named["at"]))
    return Charge(**named)  # type: ignore[arg-type]
