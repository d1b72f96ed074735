"""The emulator as the meter asks it: which tables there are, and what their columns weigh."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import aiohttp

from carrel_warehouse.stand_in.metering import catalogue, sizes
from carrel_warehouse.stand_in.metering.catalogue import Table, TableName
from carrel_warehouse.stand_in.metering.sizes import Weights
from carrel_warehouse.stand_in.metering.statements import placeholder
from carrel_warehouse.stand_in.upstream import signature

PROJECT = "meter"  # a project of its own, so that nobody's list of jobs shows the weighing
_NOBODY = signature("meter@carrel.invalid")  # in no domain that a row policy may name
_LONGEST_MS = 600_000

Json = dict[str, Any]


class Scales:
    """Asks the emulator at one address; a broken connection is raised as aiohttp raises it."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self._projects = f"{address}/bigquery/v2/projects"

    async def projects(self) -> frozenset[str]:
        """The projects that the emulator knows."""
        listed = await self._get(self._projects)
        return frozenset(each["id"] for each in listed.get("projects", ()))

    async def datasets(self, project: str) -> frozenset[str]:
        """The datasets of a project."""
        listed = await self._get(f"{self._projects}/{quote(project, safe='')}/datasets?all=true")
        return frozenset(each["datasetReference"]["datasetId"] for each in listed.get("datasets", ()))

    async def tables(self, project: str, dataset: str) -> frozenset[str]:
        """The tables and views of a dataset, none if there is no such dataset."""
        listed = await self._get(f"{self._dataset(project, dataset)}/tables")
        return frozenset(each["tableReference"]["tableId"] for each in listed.get("tables", ()))

    async def table(self, name: TableName) -> Table | None:
        """A table or a wildcard's tables; None if there is none."""
        if not name.wildcard:
            path = f"{self._dataset(name.project, name.dataset)}/tables/{quote(name.table, safe='')}"
            found = await self._get(path)
            return catalogue.table(found) if found else None
        prefix = name.table.removesuffix("*")
        listed = sorted(await self.tables(name.project, name.dataset))
        matching = [TableName(name.project, name.dataset, each) for each in listed if each.startswith(prefix)]
        members = [member for each in matching if (member := await self.table(each)) and not member.query]
        return catalogue.wildcard(name, members) if members else None

    async def weigh(self, table: Table, where: str | None, parameters: Sequence[Json]) -> Weights:
        """The bytes of each column in the partitions that `where` lets through."""
        row = await self._row(sizes.query(table, where), parameters)
        if where is None:
            return sizes.weighed(table, row)
        if row and row[0]:
            return sizes.weighed(table, row)
        # Nothing is in these partitions, or the rows are hidden, or the condition was too much for the emulator.
        whole = await self.weigh(table, None, ())
        return sizes.nothing(table) if row and whole.seen else replace(whole, seen=False)

    async def _row(self, sql: str, parameters: Sequence[Json]) -> list[int] | None:
        body = {
            "query": sql,
            "useLegacySql": False,
            "parameterMode": "NAMED",
            "queryParameters": [
                {**each, "name": each.get("name") or placeholder(index)}
                for index, each in enumerate(parameters)
            ],
            "requestId": str(uuid.uuid4()),
            "timeoutMs": _LONGEST_MS,
        }
        async with self._session.post(
            f"{self._projects}/{PROJECT}/queries", json=body, headers=self._headers
        ) as answer:
            rows = (await answer.json()).get("rows") if answer.status == 200 else None
        # Its row would stay in the emulator for ever.
        job = f"{self._projects}/{PROJECT}/jobs/{body['requestId']}/delete"
        async with self._session.delete(job, headers=self._headers):
            pass
        return [int(cell["v"]) for cell in rows[0]["f"]] if rows else None

    async def is_running(self, project: str, job: str) -> bool:
        """Whether that job is under way."""
        found = await self._get(f"{self._projects}/{quote(project, safe='')}/jobs/{quote(job, safe='')}")
        return found.get("status", {}).get("state") in {"PENDING", "RUNNING"}

    def _dataset(self, project: str, dataset: str) -> str:
        return f"{self._projects}/{quote(project, safe='')}/datasets/{quote(dataset, safe='')}"

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": _NOBODY}

    async def _get(self, url: str) -> Json:
        async with self._session.get(url, headers=self._headers) as answer:
            if answer.status != 200:
                return {}
            document: Json = await answer.json()
            return document
