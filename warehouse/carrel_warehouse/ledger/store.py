"""The ledger's database: one file, one process that writes."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime, timedelta
from pathlib import Path

KEPT_DAYS = 400
FILE = "ledger.sqlite"


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


@dataclass(frozen=True)
class Time:
    """How long the servers of one size of a notebook ran on a day; `project` is empty for a person's own server."""

    day: date
    person: str
    project: str
    notebook: str
    size: str
    price_per_hour: float
    seconds: float


_SCHEMA = """
CREATE TABLE IF NOT EXISTS charges (
    billing_project TEXT, job TEXT, location TEXT, day TEXT, at TEXT, person TEXT, project TEXT, notebook TEXT,
    cell TEXT, document TEXT, processed INTEGER, billed INTEGER, state TEXT,
    PRIMARY KEY (billing_project, location, job)
);
CREATE INDEX IF NOT EXISTS charges_of_a_day ON charges (day, project, person);
CREATE INDEX IF NOT EXISTS charges_by_job ON charges (job);
CREATE TABLE IF NOT EXISTS times (
    day TEXT, person TEXT, project TEXT, notebook TEXT, size TEXT, price_per_hour REAL, seconds REAL NOT NULL,
    PRIMARY KEY (day, person, project, notebook, size, price_per_hour)
);
CREATE TABLE IF NOT EXISTS counted (pod TEXT PRIMARY KEY, until TEXT NOT NULL);
"""
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
_CHARGES = "SELECT * FROM charges WHERE day BETWEEN :since AND :until ORDER BY at"
_TIMES = "SELECT * FROM times WHERE day BETWEEN :since AND :until"
_ADD_TIME = """
INSERT INTO times VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (day, person, project, notebook, size, price_per_hour) DO UPDATE SET seconds = seconds + excluded.seconds
"""


class Ledger:
    """Charges by job, and times that servers ran."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # One process, one thread, single rows by key: microseconds, so the event loop may wait for them.
        self._database = sqlite3.connect(folder / FILE, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(_SCHEMA)

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

    def charges(self, since: date, until: date = date.max) -> list[Charge]:
        """All of these days, oldest first."""
        return [_charge(row) for row in self._database.execute(_CHARGES, _days(since, until))]

    def add_time(self, time: Time) -> None:
        """Count seconds that a server ran, on top of what is known of that day."""
        self._database.execute(_ADD_TIME, (time.day.isoformat(), *astuple(time)[1:]))

    def times(self, since: date, until: date = date.max) -> list[Time]:
        """All of these days."""
        rows = self._database.execute(_TIMES, _days(since, until))
        return [Time(date.fromisoformat(row[0]), *row[1:]) for row in rows]

    def counted(self) -> dict[str, datetime]:
        """By a pod's uid, until when its time is counted."""
        rows = self._database.execute("SELECT pod, until FROM counted")
        return {pod: datetime.fromisoformat(until) for pod, until in rows}

    def count(self, times: Iterable[Time], until: dict[str, datetime]) -> None:
        """Add times and replace what `counted` tells: both or neither."""
        with self._at_once():
            for each in times:
                self.add_time(each)
            self._database.execute("DELETE FROM counted")
            rows = [(pod, moment.isoformat()) for pod, moment in until.items()]
            self._database.executemany("INSERT INTO counted VALUES (?, ?)", rows)

    def forget(self, today: date) -> None:
        """Drop days that are older than they are kept."""
        oldest = {"day": (today - timedelta(days=KEPT_DAYS)).isoformat()}
        with self._at_once():
            self._database.execute("DELETE FROM charges WHERE day < :day", oldest)
            self._database.execute("DELETE FROM times WHERE day < :day", oldest)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


def _days(since: date, until: date) -> dict[str, str]:
    return {"since": since.isoformat(), "until": until.isoformat()}


def _charge(row: tuple[object, ...]) -> Charge:
    named = dict(zip((each.name for each in fields(Charge)), row, strict=True))
    named["day"] = date.fromisoformat(str(named["day"]))
    named["at"] = datetime.fromisoformat(str(named["at"]))
    return Charge(**named)  # type: ignore[arg-type]
