"""A warehouse that charges what the query's text says, over real HTTP, and tells what it was sent."""

import asyncio
import json
import re
from typing import Any

from aiohttp import web

Json = dict[str, Any]


class WarehouseDouble:
    """`SELECT 'reads 5000'` reads 5,000 bytes; `'answers 500'` makes every call about it fail so, `'hangs'`
    makes it wait, and `'hangs later'` only when it is no dry run."""

    def __init__(self) -> None:
        self.jobs: dict[str, Json] = {}
        self.dry_runs: list[Json] = []
        self.begun: list[Json] = []
        self.bearers: set[str] = set()
        self.hold: asyncio.Event | None = None
        self.never = asyncio.Event()
        self.rows_after = 0.0

    def application(self) -> web.Application:
        app = web.Application(client_max_size=1024**3)
        project = "/bigquery/v2/projects/{project}"
        app.router.add_post(f"{project}/jobs", self._insert)
        app.router.add_post(f"{project}/queries", self._query)
        app.router.add_get(f"{project}/jobs/{{job}}", self._get)
        app.router.add_get(f"{project}/queries/{{job}}", self._rows)
        app.router.add_post("/upload" + f"{project}/jobs", self._upload)
        app.router.add_get("/large", self._large)
        app.router.add_route("*", "/{anything:.*}", self._echo)
        return app

    def finish(self, job: str, billed: int | None = None) -> None:
        """Let a job end."""
        query = self.jobs[job]["statistics"]["query"]
        query["totalBytesBilled"] = query["totalBytesProcessed"] if billed is None else str(billed)
        self.jobs[job]["status"] = {"state": "DONE"}

    async def _insert(self, request: web.Request) -> web.StreamResponse:
        self.bearers.add(request.headers["Authorization"])
        body = await request.json()
        configuration = body["configuration"]
        text = configuration.get("query", {}).get("query", "")
        if failure := _failure(text):
            return failure
        if "hangs" in text and (configuration.get("dryRun") or "later" in text):
            await self.never.wait()
        reads = _reads(text)
        if configuration.get("dryRun"):
            self.dry_runs.append(body)
            return web.json_response(
                {"configuration": configuration, "statistics": {"totalBytesProcessed": reads}}
            )
        self.begun.append(body)
        if self.hold:
            await self.hold.wait()
        return web.json_response(self._job(body.get("jobReference", {}).get("jobId"), configuration, reads))

    async def _query(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        await asyncio.sleep(self.rows_after)
        self.begun.append(body)
        job = self._job(None, {"query": body}, _reads(body["query"]))
        name = job["jobReference"]["jobId"]
        self.finish(name)
        answer = {
            "schema": {"fields": [{"name": "totalBytesBilled"}]},
            "jobReference": job["jobReference"],
            "jobComplete": True,
            "rows": [{"f": [{"v": '"totalBytesBilled": "1"'}]}] * 3000,
            "totalBytesProcessed": _reads(body["query"]),
            "totalBytesBilled": _reads(body["query"]),
        }
        return web.json_response(answer)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self.jobs[request.match_info["job"]])

    async def _rows(self, request: web.Request) -> web.StreamResponse:
        job = self.jobs[request.match_info["job"]]
        done = job["status"]["state"] == "DONE"
        answer = {"jobReference": job["jobReference"], "jobComplete": done}
        if done:
            answer["totalBytesProcessed"] = job["statistics"]["query"]["totalBytesProcessed"]
        return web.json_response(answer)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        return web.Response(
            headers={"Location": f"http://{request.host}/upload/bigquery/v2/projects/p/jobs?id=7"}
        )

    async def _large(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(64):
            await response.write(b"x" * 1024**2)
        return response

    async def _echo(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        return web.json_response({"method": request.method, "path": request.raw_path, "size": len(body)})

    def _job(self, name: str | None, configuration: Json, reads: str) -> Json:
        name = name or f"job_{len(self.jobs)}"
        job = {
            "jobReference": {"projectId": "p", "jobId": name, "location": "US"},
            "configuration": configuration,
            "status": {"state": "RUNNING"},
            "statistics": {"totalBytesProcessed": reads, "query": {"totalBytesProcessed": reads}},
        }
        return self.jobs.setdefault(name, job)


def _reads(text: str) -> str:
    found = re.search(r"reads (\d+)", text)
    return found[1] if found else "0"


def _failure(text: str) -> web.Response | None:
    found = re.search(r"answers (\d+)", text)
    if not found:
        return None
    message = json.dumps(
        {"error": {"code": int(found[1]), "message": "Google's own words", "errors": [{"reason": "r"}]}}
    )
    return web.Response(status=int(found[1]), text=message, content_type="application/json")
