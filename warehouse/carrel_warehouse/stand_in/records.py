"""What the emulator doesn't keep of a job: whose it is, what it reads, and why it failed if that is for us to say."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carrel_warehouse.stand_in.metering.charges import Estimate
from carrel_warehouse.stand_in.people import Caller

Json = dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """Why a job counts as failed whatever the emulator says."""

    reason: str
    message: str


class JobRecords:
    """A table of jobs and people and one of notes about jobs, kept beside the emulator's data."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # One process, one thread, single rows by key: microseconds, so the event loop may wait for them.
        self._database = sqlite3.connect(folder / "jobs.sqlite", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        for table in (
            "jobs (project TEXT, job TEXT, email TEXT NOT NULL, PRIMARY KEY (project, job))",
            "notes (project TEXT, job TEXT, kind TEXT, value TEXT NOT NULL, PRIMARY KEY (project, job, kind))",
            "emulator (process TEXT NOT NULL)",
        ):
            self._database.execute(f"CREATE TABLE IF NOT EXISTS {table}")

    def note(self, project: str, job: str, caller: Caller) -> None:
        """Write down who began a job; the first to use an id has it."""
        self._database.execute("INSERT OR IGNORE INTO jobs VALUES (?, ?, ?)", (project, job, caller.email))
        self._keep(project, job, "principal", caller.principal)

    def email(self, project: str, job: str | None) -> str | None:
        """Who began that job, if anybody here did."""
        return self._one("SELECT email FROM jobs WHERE project = ? AND job = ?", project, job)

    def principal(self, project: str, job: str) -> str | None:
        """Who began that job, as a principal."""
        found: str | None = self._kept(project, job, "principal")
        return found

    def projects(self) -> list[str]:
        """Where somebody began a job."""
        return [each[0] for each in self._database.execute("SELECT DISTINCT project FROM jobs")]

    def meter(self, project: str, job: str, estimate: Estimate) -> None:
        """Write down what a job reads."""
        self._keep(project, job, "bytes", [estimate.processed, estimate.billed, estimate.precise])

    def metered(self, project: str, job: str) -> Estimate | None:
        """What a job reads, if it was measured."""
        found = self._kept(project, job, "bytes")
        return None if found is None else Estimate(int(found[0]), int(found[1]), bool(found[2]))

    def aim(self, project: str, job: str, destination: Json) -> None:
        """Write down the table that a job writes."""
        self._keep(project, job, "destination", destination)

    def aimed(self, project: str, job: str) -> Json | None:
        """The table that a job writes, if it is one that BigQuery would name."""
        found: Json | None = self._kept(project, job, "destination")
        return found

    def ask(self, project: str, job: str, query: str) -> None:
        """Write down what a job was asked to run, where the emulator was told something else."""
        self._keep(project, job, "query", query)

    def asked(self, project: str, job: str) -> str | None:
        """What a job was asked to run, if the emulator was told something else."""
        found: str | None = self._kept(project, job, "query")
        return found

    def fail(self, project: str, jobs: Iterable[str], failure: Failure) -> None:
        """Write down that jobs have failed."""
        for job in jobs:
            self._keep(project, job, "failure", [failure.reason, failure.message])

    def failed(self, project: str, job: str) -> Failure | None:
        """Why a job failed, if that is known here."""
        found = self._kept(project, job, "failure")
        return None if found is None else Failure(*found)

    @property
    def process(self) -> str | None:
        """The emulator that was seen last."""
        return self._one("SELECT process FROM emulator")

    @process.setter
    def process(self, process: str) -> None:
        self._database.execute("DELETE FROM emulator")
        self._database.execute("INSERT INTO emulator VALUES (?)", (process,))

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _keep(self, project: str, job: str, kind: str, value: object) -> None:
        # Like the person, the first to use an id: a second job of that id is refused by the emulator.
        row = (project, job, kind, json.dumps(value))
        self._database.execute("INSERT OR IGNORE INTO notes VALUES (?, ?, ?, ?)", row)

    def _kept(self, project: str, job: str, kind: str) -> Any:  # noqa: ANN401 JSON
        found = self._one(
            "SELECT value FROM notes WHERE project = ? AND job = ? AND kind = ?", project, job, kind
        )
        return None if found is None else json.loads(found)

    def _one(self, sql: str, *values: str | None) -> str | None:
        found = self._database.execute(sql, values).fetchone()
        return None if found is None else str(found[0])
