"""The calls of the BigQuery API that begin jobs, each as BigQuery would answer it.

The stand-in sees every job begin, and settles its id before the emulator does, so that what it knows of the job, its
person first, is written down under that id.
"""

import json
import uuid
from typing import Any

import aiohttp
from aiohttp import web

from carrel_warehouse.stand_in import labels, limits, overlay, texts, uploads
from carrel_warehouse.stand_in.access.calls import document
from carrel_warehouse.stand_in.admission import Admission, Gate
from carrel_warehouse.stand_in.bearer import CALLER
from carrel_warehouse.stand_in.errors import api_error, unavailable
from carrel_warehouse.stand_in.faults import Faults
from carrel_warehouse.stand_in.job_views import Views, changed, parsed
from carrel_warehouse.stand_in.metering.writes import Writes
from carrel_warehouse.stand_in.records import JobRecords
from carrel_warehouse.stand_in.upstream import DOWN, Emulator

Json = dict[str, Any]


class Jobs:
    """The handlers."""

    def __init__(
        self,
        emulator: Emulator,
        records: JobRecords,
        gate: Gate,
        writes: Writes,
        views: Views,
    ) -> None:
        self._emulator = emulator
        self._records = records
        self._gate = gate
        self._writes = writes
        self._views = views
        self._slow = views.deadlines.slow
        self._deadlines = views.deadlines
        self._faults = Faults()

    async def query(self, request: web.Request) -> web.StreamResponse:
        """jobs.query: its answer holds rows but no person."""
        body = await document(request)
        if body is None:
            return await self._emulator.ask(request, await request.read())
        project, job = request.match_info["project"], str(body.setdefault("requestId", str(uuid.uuid4())))
        await self._gate.check(request[CALLER], project, {"query": body})
        if refusal := await self._refused(request, body, body):
            return refusal
        admission = await self._admitted(request, body)
        if admission is None:
            return unavailable(DOWN)
        if body.get("dryRun"):
            return _with_head(await self._tried(request, body, body, admission), admission)
        self._begin(request, job, body, admission)
        answer = await self._run(request, job, body, body, admission)
        if admission.failure and answer.status == 200:
            return limits.error(admission.failure)
        return await self._views.held_back(project, job, body.get("timeoutMs")) or _with_head(
            answer, admission
        )

    async def insert(self, request: web.Request) -> web.StreamResponse:
        """jobs.insert with the job in the body."""
        body = await document(request)
        if body is None:
            return await self._emulator.ask(request, await request.read())
        project = request.match_info["project"]
        reference = body.get("jobReference") or {}
        job = str(reference.setdefault("jobId", str(uuid.uuid4())))
        body["jobReference"] = reference
        configuration = body.get("configuration")
        await self._gate.check(request[CALLER], project, configuration)
        query = configuration.get("query") if isinstance(configuration, dict) else None
        if not isinstance(configuration, dict) or not isinstance(query, dict):
            self._records.note(project, job, request[CALLER])
            self._slow.note(
                project, job, configuration.get("labels") if isinstance(configuration, dict) else None
            )
            return self._views.named(project, await self._written(request, job, json.dumps(body).encode()))
        if refusal := await self._refused(request, configuration, query):
            return refusal
        admission = await self._admitted(request, query)
        if admission is None:
            return unavailable(DOWN)
        if configuration.get("dryRun"):
            answer = await self._tried(request, body, query, admission)
            return changed(answer, lambda each: overlay.metered(each, admission.estimate))
        self._begin(request, job, configuration, admission)
        return self._views.named(project, await self._run(request, job, body, query, admission))

    async def _tried(
        self, request: web.Request, body: Json, query: Json, admission: Admission
    ) -> web.Response:
        """A dry run of a job's `body`, in which `query` is the part that says what to run."""
        query["query"] = admission.text
        answer = await self._emulator.ask(request, json.dumps(body).encode())
        if answer.status < 500:
            return answer
        limits.hold_the_place(query)  # it trips over the dry run of some statements that it would run
        return await self._emulator.ask(request, json.dumps(body).encode())

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """jobs.insert with a file: only the last answer of an upload is a job."""
        project, body = request.match_info["project"], None
        if request.method == "POST":  # what is put belongs to what was posted
            try:
                begun, body = await uploads.opened(request)
            except uploads.NoJobError as problem:
                return api_error(400, str(problem), "invalid", "INVALID_ARGUMENT")
            await self._gate.check(request[CALLER], project, begun.get("configuration"))
        with self._writes.passing():
            answer = await self._emulator.ask(request, body)
        job = parsed(answer)
        if job and "jobReference" in job:
            self._records.note(project, job["jobReference"]["jobId"], request[CALLER])
            self._writes.begun(project, job["jobReference"]["jobId"])
        return self._views.named(project, answer)

    async def _refused(self, request: web.Request, holder: Json, query: Json) -> web.Response | None:
        """What is said without asking anybody; `holder` has a query's labels."""
        if message := labels.problem(holder.get("labels")) or texts.problem(query.get("query")):
            return api_error(400, message, "invalid", "INVALID_ARGUMENT")
        if holder.get("dryRun"):
            return None
        return await self._faults.strike(request[CALLER].email, holder.get("labels"))

    async def _admitted(self, request: web.Request, query: Json) -> Admission | None:
        try:
            return await self._gate.admit(request[CALLER], request.match_info["project"], query)
        except aiohttp.ClientError:
            return None

    def _begin(self, request: web.Request, job: str, holder: Json, admission: Admission) -> None:
        """`holder` has the query's labels and how long it may run."""
        project = request.match_info["project"]
        self._records.note(project, job, request[CALLER])
        self._records.meter(project, job, admission.estimate)
        if admission.destination:
            self._records.aim(project, job, admission.destination)
        if not admission.failure:
            self._slow.note(project, job, holder.get("labels"))
            self._deadlines.note(project, job, holder.get("jobTimeoutMs"))

    async def _run(
        self, request: web.Request, job: str, body: Json, query: Json, admission: Admission
    ) -> web.Response:
        """Send a job's `body` on, in which `query` is the part that says what to run."""
        project, text = request.match_info["project"], str(query.get("query", ""))
        if admission.failure:
            limits.hold_the_place(query)
        else:
            query["query"] = admission.text
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


def _with_head(answer: web.Response, admission: Admission) -> web.Response:
    if answer.status == 200 and isinstance(answer.body, bytes):
        answer.body = overlay.head(admission.estimate, answer.body)
    return answer
