"""The calls of the BigQuery API that begin or show jobs, each as BigQuery would answer it.

The stand-in sees every job begin, and settles its id before the emulator does, so that what it knows of the job, its
person first, is written down under that id.
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web

from carrel_warehouse.stand_in import limits, overlay, shims
from carrel_warehouse.stand_in.admission import Admission, Gate
from carrel_warehouse.stand_in.bearer import EMAIL
from carrel_warehouse.stand_in.errors import unavailable
from carrel_warehouse.stand_in.metering.writes import Writes
from carrel_warehouse.stand_in.records import JobRecords
from carrel_warehouse.stand_in.slow import CANCELLED, SlowJobs
from carrel_warehouse.stand_in.upstream import DOWN, Emulator

_PATIENCE = 10.0  # seconds that a client waits for rows if it does not say how long

Json = dict[str, Any]


class Jobs:
    """The handlers."""

    def __init__(self, emulator: Emulator, records: JobRecords, gate: Gate, writes: Writes) -> None:
        self._emulator = emulator
        self._records = records
        self._gate = gate
        self._writes = writes
        self._slow = SlowJobs()

    async def query(self, request: web.Request) -> web.StreamResponse:
        """jobs.query: its answer holds rows but no person."""
        body = await _document(request)
        if body is None:
            return await self._emulator.ask(request, await request.read())
        project, job = request.match_info["project"], str(body.setdefault("requestId", str(uuid.uuid4())))
        admission = await self._admitted(project, body)
        if admission is None:
            return unavailable(DOWN)
        if body.get("dryRun"):
            return _with_head(await self._emulator.ask(request, json.dumps(body).encode()), admission)
        self._begin(request, job, body.get("labels"), admission)
        answer = await self._run(request, job, body, body, admission)
        if admission.failure and answer.status == 200:
            return limits.error(admission.failure)
        return await self._still_running(project, job, body.get("timeoutMs")) or _with_head(answer, admission)

    async def insert(self, request: web.Request) -> web.StreamResponse:
        """jobs.insert with the job in the body."""
        body = await _document(request)
        if body is None:
            return await self._emulator.ask(request, await request.read())
        project = request.match_info["project"]
        reference = body.get("jobReference") or {}
        job = str(reference.setdefault("jobId", str(uuid.uuid4())))
        body["jobReference"] = reference
        configuration = body.get("configuration")
        query = configuration.get("query") if isinstance(configuration, dict) else None
        if not isinstance(configuration, dict) or not isinstance(query, dict):
            self._records.note(project, job, request[EMAIL])
            self._slow.note(
                project, job, configuration.get("labels") if isinstance(configuration, dict) else None
            )
            return self._named(project, await self._written(request, job, json.dumps(body).encode()))
        admission = await self._admitted(project, query)
        if admission is None:
            return unavailable(DOWN)
        if configuration.get("dryRun"):
            answer = await self._emulator.ask(request, json.dumps(body).encode())
            return _changed(answer, lambda each: overlay.metered(each, admission.estimate))
        self._begin(request, job, configuration.get("labels"), admission)
        return self._named(project, await self._run(request, job, body, query, admission))

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """jobs.insert with a file: only the last answer of an upload is a job."""
        project = request.match_info["project"]
        with self._writes.passing():
            answer = await self._emulator.ask(request)
        job = _json(answer)
        if job and "jobReference" in job:
            self._records.note(project, job["jobReference"]["jobId"], request[EMAIL])
            self._writes.begun(project, job["jobReference"]["jobId"])
        return self._named(project, answer)

    async def results(self, request: web.Request) -> web.StreamResponse:
        """jobs.getQueryResults: the rows, once the job's time is over."""
        project, job = request.match_info["project"], request.match_info["job"]
        if failure := self._records.failed(project, job):
            return limits.error(failure)
        if running := await self._still_running(project, job, request.query.get("timeoutMs")):
            return running
        estimate = self._records.metered(project, job)
        return await self._emulator.stream(request, partial(overlay.head, estimate) if estimate else None)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """jobs.get."""
        return self._named(request.match_info["project"], await self._emulator.ask(request))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """jobs.cancel."""
        project, job = request.match_info["project"], request.match_info["job"]
        if self._slow.cancel(project, job):
            self._records.fail(project, [job], CANCELLED)
        return await self.get(request)

    async def list(self, request: web.Request) -> web.StreamResponse:
        """jobs.list: a person's own jobs, or everybody's with allUsers, as BigQuery has it."""
        project = request.match_info["project"]
        # A job's state may be another here than in the emulator, so it's for us to choose by it.
        states = {state.upper() for state in request.query.getall("stateFilter", [])}
        unfiltered = request.clone(rel_url=request.rel_url.without_query_params("stateFilter"))
        answer = await self._emulator.ask(unfiltered)
        document = _json(answer)
        if document is None or "jobs" not in document:
            return answer
        jobs = [self._shown(project, job) for job in document["jobs"]]
        if states:
            jobs = [job for job in jobs if job.get("state") in states]
        if request.query.get("allUsers", "").lower() != "true":
            jobs = [job for job in jobs if job.get("user_email") == request[EMAIL]]
        return web.json_response(document | {"jobs": jobs})

    async def _admitted(self, project: str, query: Json) -> Admission | None:
        try:
            return await self._gate.admit(project, query)
        except aiohttp.ClientConnectionError:
            return None

    def _begin(self, request: web.Request, job: str, labels: object, admission: Admission) -> None:
        project = request.match_info["project"]
        self._records.note(project, job, request[EMAIL])
        self._records.meter(project, job, admission.estimate)
        if admission.destination:
            self._records.aim(project, job, admission.destination)
        if not admission.failure:
            self._slow.note(project, job, labels)

    async def _run(
        self, request: web.Request, job: str, body: Json, query: Json, admission: Admission
    ) -> web.Response:
        """Send a job's `body` on, in which `query` is the part that says what to run."""
        project, text = request.match_info["project"], str(query.get("query", ""))
        if admission.failure:
            query.update(limits.PLACEHOLDER)
            for name in limits.NOT_FOR_THE_PLACEHOLDER:
                query.pop(name, None)
        else:
            query["query"] = shims.translated(text)
        data = json.dumps(body).encode()
        writes = admission.changes and not admission.failure
        answer = await (self._written(request, job, data) if writes else self._emulator.ask(request, data))
        if answer.status == 200:  # not before the emulator has taken the id: it may be another job's
            if query["query"] != text:
                self._records.ask(project, job, text)
            if admission.failure:
                self._records.fail(project, [job], admission.failure)
        return answer

    async def _written(self, request: web.Request, job: str, body: bytes) -> web.Response:
        with self._writes.passing():
            self._writes.begun(request.match_info["project"], job)
            return await self._emulator.ask(request, body)

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
        def shown(document: Json) -> Json:
            if "job" in document:  # jobs.cancel wraps it
                return document | {"job": self._shown(project, document["job"])}
            return self._shown(project, document)

        return _changed(answer, shown)

    def _shown(self, project: str, resource: Json) -> Json:
        job = resource.get("jobReference", {}).get("jobId")
        if job is None:
            return resource
        # The statements of a script are jobs of their own, begun by the emulator for the script's person.
        parent = resource.get("statistics", {}).get("parentJobId")
        if email := self._records.email(project, job) or self._records.email(project, parent):
            resource = resource | {"user_email": email}
        if failure := self._records.failed(project, job):
            resource = overlay.failed(resource, failure)
        if estimate := self._records.metered(project, job):
            resource = overlay.metered(resource, estimate)
        if destination := self._records.aimed(project, job):
            resource = overlay.destined(resource, destination)
        if (text := self._records.asked(project, job)) is not None:
            resource = overlay.asked(resource, text)
        return resource if failure else self._slow.shown(project, resource)


async def _document(request: web.Request) -> Json | None:
    """The request's JSON; None when it has none, which the emulator says better than we could."""
    try:
        document = json.loads(await request.read())
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _with_head(answer: web.Response, admission: Admission) -> web.Response:
    if answer.status == 200 and isinstance(answer.body, bytes):
        answer.body = overlay.head(admission.estimate, answer.body)
    return answer


def _changed(answer: web.Response, change: Callable[[Json], Json]) -> web.Response:
    document = _json(answer)
    return answer if document is None else web.json_response(change(document), status=answer.status)


def _json(answer: web.Response) -> Json | None:
    if answer.status != 200 or not isinstance(answer.body, bytes) or not answer.body:
        return None
    document = json.loads(answer.body)
    return document if isinstance(document, dict) else None
