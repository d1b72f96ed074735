"""The calls that the stand-in passes on to the emulator: who may make them, and what becomes of access lists."""

import json
from typing import Any

from aiohttp import web

from carrel_warehouse.stand_in.access import paths
from carrel_warehouse.stand_in.access.guard import Guard
from carrel_warehouse.stand_in.access.lists import Lists
from carrel_warehouse.stand_in.access.paths import Demand
from carrel_warehouse.stand_in.access.roles import canonical, with_owner
from carrel_warehouse.stand_in.bearer import CALLER
from carrel_warehouse.stand_in.metering.writes import Writes
from carrel_warehouse.stand_in.upstream import Emulator

Json = dict[str, Any]
# What the emulator gives a dataset that comes without a list, which is what BigQuery gives it too.
_USUAL = [
    {"role": "WRITER", "specialGroup": "projectWriters"},
    {"role": "OWNER", "specialGroup": "projectOwners"},
    {"role": "READER", "specialGroup": "projectReaders"},
]


class Calls:
    """The handlers."""

    def __init__(self, emulator: Emulator, guard: Guard, lists: Lists, writes: Writes) -> None:
        self._emulator = emulator
        self._guard = guard
        self._lists = lists
        self._writes = writes

    async def passing(self, request: web.Request) -> web.StreamResponse:
        """Everything that needs no more than a look at who calls."""
        await self._guard.settle()
        if wanted := paths.demand(request.method, request.path):
            await self._allowed(request, wanted)
            if request.method not in {"GET", "HEAD"} and not request.path.endswith("/insertAll"):
                return await self._defining(request, wanted)
        if request.method in {"GET", "HEAD"}:
            return await self._emulator.stream(request)
        with self._writes.passing():  # rows that stream in, a table made or dropped
            return await self._emulator.stream(request)

    async def insert_dataset(self, request: web.Request) -> web.StreamResponse:
        """datasets.insert: whoever makes a dataset owns it."""
        body = await document(request)
        if body is None:
            return await self._emulator.ask(request, await request.read())
        body["access"] = with_owner(body.get("access") or _USUAL, request[CALLER].email)
        with self._writes.passing():
            answer = await self._emulator.ask(request, json.dumps(body).encode())
        name = (body.get("datasetReference") or {}).get("datasetId")
        if answer.status == 200 and isinstance(name, str):
            self._guard.made(request.match_info["project"], name)
        return answer

    async def _defining(self, request: web.Request, wanted: Demand) -> web.StreamResponse:
        """A call whose body may hold an access list, or SQL that will run in somebody else's name."""
        body = await document(request)
        if body is None:
            with self._writes.passing():
                return await self._emulator.ask(request, await request.read())
        if "access" in body:
            body["access"] = canonical(body["access"] or ())
        elif request.method == "PUT" and wanted.permission == "bigquery.datasets.update":
            body["access"] = await self._lists.access(wanted.project, wanted.dataset)
        for view in (body.get("view"), body.get("materializedView")):
            if isinstance(view, dict):
                await self._guard.query(request[CALLER], wanted.project, {"query": view.get("query")})
        if isinstance(text := body.get("definitionBody"), str):
            await self._guard.query(request[CALLER], wanted.project, {"query": text})
        with self._writes.passing():
            return await self._emulator.ask(request, json.dumps(body).encode())

    async def _allowed(self, request: web.Request, wanted: Demand) -> None:
        caller = request[CALLER]
        if wanted.table:
            reference = {"datasetId": wanted.dataset, "tableId": wanted.table}
            await self._guard.table(caller, wanted.project, reference, wanted.least, wanted.permission)
        else:
            await self._guard.dataset(caller, wanted.project, wanted.dataset, wanted.least, wanted.permission)


async def document(request: web.Request) -> Json | None:
    """The request's JSON; None when it has none, which the emulator says better than we could."""
    try:
        found = json.loads(await request.read())
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
