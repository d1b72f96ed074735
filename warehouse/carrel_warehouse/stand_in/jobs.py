"""Who ran which job: the emulator gives every job the same `user_email`, and here each gets its person's.

The stand-in sees every job begin, and settles its id before the emulator does, so the person is written down first.
"""

import asyncio
import json
import sqlite3
import uuid
from pathlib import Path
from typing import Any

from aiohttp import web

from carrel_warehouse.stand_in.bearer import EMAIL
from carrel_warehouse.stand_in.slow import SlowJobs
from carrel_warehouse.stand_in.upstream import Emulator

_PATIENCE = 10.0  # seconds that a client waits for rows if it does not say how long

Json = dict[str, Any]


class JobOwners:
    """The table of jobs and people, kept beside the emulator's data."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # One process, one thread, single rows by key: microseconds, so the event loop may wait for them.
        self._database = sqlite3.connect(folder / "jobs.sqlite", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS jobs (project TEXT, job TEXT, email TEXT NOT NULL, PRIMARY KEY (project, job))"
        )

    def note(self, project: str, job: str, email: str) -> None:
        """Write down who began a job; the first to use an id has it."""
        self._database.execute("INSERT OR IGNORE INTO jobs VALUES (?, ?, ?)", (project, job, email))

    def email(self, project: str, job: str | None) -> str | None:
        """Who began that job, if anybody here did."""
        found = self._database.execute(
            "SELECT email FROM jobs WHERE project = ? AND job = ?", (project, job)
        ).fetchone()
        return None if found is None else str(found[0])

    def close(self) -> None:
        """Close the file."""
        self._database.close()


class Jobs:
    """The calls of the BigQuery API that begin or show jobs."""

    def __init__(self, emulator: Emulator, owners: JobOwners) -> None:
        self._emulator = emulator
        self._owners = owners
        self._slow = SlowJobs()

    async def query(self, request: web.Request) -> web.StreamResponse:
        """jobs.query: its answer holds rows but no person, so only its id is settled here."""
        body = await _document(request)
        if body is None:
            return await self._emulator.ask(request, await request.read())
        project, job = request.match_info["project"], str(body.setdefault("requestId", str(uuid.uuid4())))
        self._owners.note(project, job, request[EMAIL])
        self._slow.note(project, job, body.get("labels"))
        answer = await self._emulator.ask(request, json.dumps(body).encode())
        return await self._still_running(project, job, body.get("timeoutMs")) or answer

    async def insert(self, request: web.Request) -> web.StreamResponse:
        """jobs.insert with the job in the body."""
        body = await _document(request)
        if body is None:
            return await self._emulator.ask(request, await request.read())
        project = request.match_info["project"]
        reference = body.get("jobReference") or {}
        reference.setdefault("jobId", str(uuid.uuid4()))
        body["jobReference"] = reference
        self._owners.note(project, str(reference["jobId"]), request[EMAIL])
        configuration = body.get("configuration")
        labels = configuration.get("labels") if isinstance(configuration, dict) else None
        self._slow.note(project, str(reference["jobId"]), labels)
        return self._named(project, await self._emulator.ask(request, json.dumps(body).encode()))

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """jobs.insert with a file: only the last answer of an upload is a job."""
        project = request.match_info["project"]
        answer = await self._emulator.ask(request)
        job = _json(answer)
        if job and "jobReference" in job:
            self._owners.note(project, job["jobReference"]["jobId"], request[EMAIL])
        return self._named(project, answer)

    async def results(self, request: web.Request) -> web.StreamResponse:
        """jobs.getQueryResults: the rows, once the job's time is over."""
        project, job = request.match_info["project"], request.match_info["job"]
        running = await self._still_running(project, job, request.query.get("timeoutMs"))
        return running or await self._emulator.stream(request)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """jobs.get."""
        return self._named(request.match_info["project"], await self._emulator.ask(request))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """jobs.cancel."""
        self._slow.cancel(request.match_info["project"], request.match_info["job"])
        return await self.get(request)

    async def list(self, request: web.Request) -> web.StreamResponse:
        """jobs.list: a person's own jobs, or everybody's with allUsers, as BigQuery has it."""
        project = request.match_info["project"]
        answer = await self._emulator.ask(request)
        document = _json(answer)
        if document is None or "jobs" not in document:
            return answer
        jobs = [self._with_person(project, job) for job in document["jobs"]]
        if request.query.get("allUsers", "").lower() != "true":
            jobs = [job for job in jobs if job.get("user_email") == request[EMAIL]]
        return web.json_response(document | {"jobs": jobs})

    async def _still_running(self, project: str, job: str, patience: object) -> web.Response | None:
        """What a client hears that has waited as long as it would, and the job's time is not over."""
        if not (left := self._slow.left(project, job)):
            return None
        given = str(patience)
        seconds = int(given) / 1000 if given.isascii() and given.isdecimal() else _PATIENCE
        await asyncio.sleep(min(left, seconds))
        if not self._slow.left(project, job):
            return None
        reference = {"projectId": project, "jobId": job}
        return web.json_response({"jobReference": reference, "jobComplete": False})

    def _named(self, project: str, answer: web.Response) -> web.Response:
        document = _json(answer)
        if document is None:
            return answer
        if "job" in document:  # jobs.cancel wraps it
            document["job"] = self._with_person(project, document["job"])
        return web.json_response(self._with_person(project, document), status=answer.status)

    def _with_person(self, project: str, resource: Json) -> Json:
        if "jobReference" not in resource:
            return resource
        # The statements of a script are jobs of their own, begun by the emulator for the script's person.
        parent = resource.get("statistics", {}).get("parentJobId")
        job = resource["jobReference"].get("jobId")
        email = self._owners.email(project, job) or self._owners.email(project, parent)
        return self._slow.shown(project, resource | {"user_email": email} if email else resource)


async def _document(request: web.Request) -> Json | None:
    """The request's JSON; None when it has none, which the emulator says better than we could."""
    try:
        document = json.loads(await request.read())
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _json(answer: web.Response) -> Json | None:
    if answer.status != 200 or not isinstance(answer.body, bytes) or not answer.body:
        return None
    document = json.loads(answer.body)
    return document if isinstance(document, dict) else None
