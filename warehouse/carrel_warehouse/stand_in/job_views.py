"""The calls of the BigQuery API that show jobs: what the emulator says, with what it doesn't know laid over it."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from carrel_warehouse.stand_in import limits, overlay
from carrel_warehouse.stand_in.access.guard import Guard
from carrel_warehouse.stand_in.access.lists import Lists
from carrel_warehouse.stand_in.bearer import CALLER
from carrel_warehouse.stand_in.deadlines import Deadlines
from carrel_warehouse.stand_in.records import JobRecords
from carrel_warehouse.stand_in.slow import CANCELLED
from carrel_warehouse.stand_in.upstream import Emulator

_PATIENCE = 10.0  # seconds that a client waits for rows if it does not say how long

Json = dict[str, Any]


class Views:
    """The handlers."""

    def __init__(
        self, emulator: Emulator, lists: Lists, records: JobRecords, guard: Guard, deadlines: Deadlines
    ) -> None:
        self._emulator = emulator
        self._lists = lists
        self._records = records
        self._guard = guard
        self.deadlines = deadlines
        self._slow = deadlines.slow

    async def results(self, request: web.Request) -> web.StreamResponse:
        """jobs.getQueryResults: the rows, once the job's time is over."""
        project, job = request.match_info["project"], request.match_info["job"]
        await self._guard.job(request[CALLER], project, job, "bigquery.jobs.get")
        if held := await self.held_back(project, job, request.query.get("timeoutMs")):
            return held
        estimate = self._records.metered(project, job)
        return await self._emulator.stream(request, partial(overlay.head, estimate) if estimate else None)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """jobs.get."""
        return await self._one(request, "bigquery.jobs.get")

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """jobs.cancel."""
        await self._guard.job(request[CALLER], *_named_by(request), "bigquery.jobs.update")
        project, job = _named_by(request)
        if self._slow.cancel(project, job):
            self._records.fail(project, [job], CANCELLED)
        return await self._one(request, "bigquery.jobs.update")

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """jobs.delete."""
        return await self._one(request, "bigquery.jobs.delete")

    async def _one(self, request: web.Request, permission: str) -> web.Response:
        project, job = _named_by(request)
        await self._guard.job(request[CALLER], project, job, permission)
        return self.named(project, await self._emulator.ask(request))

    async def list(self, request: web.Request) -> web.StreamResponse:
        """jobs.list: a person's own jobs, or everybody's with allUsers, as BigQuery has it."""
        project = request.match_info["project"]
        # A job's state may be another here than in the emulator, so it's for us to choose by it.
        states = {state.upper() for state in request.query.getall("stateFilter", [])}
        unfiltered = request.clone(rel_url=request.rel_url.without_query_params("stateFilter"))
        answer = await self._emulator.ask(unfiltered)
        listed = parsed(answer)
        if listed is None or "jobs" not in listed:
            return answer
        jobs = [self.shown(project, job) for job in listed["jobs"]]
        if states:
            jobs = [job for job in jobs if job.get("state") in states]
        caller = request[CALLER]
        if request.query.get("allUsers", "").lower() != "true":
            jobs = [job for job in jobs if job.get("user_email") == caller.email]
        elif not caller.administrator:
            jobs = [job if job.get("user_email") == caller.email else overlay.redacted(job) for job in jobs]
        return web.json_response(listed | {"jobs": jobs})

    async def held_back(self, project: str, job: str, patience: object) -> web.Response | None:
        """What a client hears in place of rows that has waited as long as it would: not yet, or never."""
        given = str(patience)
        seconds = int(given) / 1000 if given.isascii() and given.isdecimal() else _PATIENCE
        await self._slow.over(project, job, seconds)
        if failure := self._records.failed(project, job):
            return limits.error(failure)
        if not self._slow.left(project, job):
            return None
        reference = {"projectId": project, "jobId": job}
        return web.json_response({"jobReference": reference, "jobComplete": False})

    async def everybodys(self, project: str) -> Sequence[tuple[Json, str | None]]:
        """Every job of a project as it is to be seen, and its principal."""
        jobs = [self.shown(project, job) for job in await self._lists.jobs(project)]
        return [(job, self._records.principal(project, job["jobReference"]["jobId"])) for job in jobs]

    def named(self, project: str, answer: web.Response) -> web.Response:
        """An answer that holds a job, as it is to be seen."""

        def change(found: Json) -> Json:
            if "job" in found:  # jobs.cancel wraps it
                return found | {"job": self.shown(project, found["job"])}
            return self.shown(project, found)

        return changed(answer, change)

    def shown(self, project: str, resource: Json) -> Json:
        """A job as it is to be seen."""
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


def _named_by(request: web.Request) -> tuple[str, str]:
    return request.match_info["project"], request.match_info["job"]


def changed(answer: web.Response, change: Callable[[Json], Json]) -> web.Response:
    """An answer with its JSON changed; one that holds none as it is."""
    found = parsed(answer)
    return answer if found is None else web.json_response(change(found), status=answer.status)


def parsed(answer: web.Response) -> Json | None:
    """The JSON of a good answer."""
    if answer.status != 200 or not isinstance(answer.body, bytes) or not answer.body:
        return None
    found = json.loads(answer.body)
    return found if isinstance(found, dict) else None
