"""What a job would read and cost, asked before it is let through."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from carrel_warehouse.stand_in.metering import charges
from carrel_warehouse.stand_in.metering.catalogue import Dataset, NotUnderstoodError, Table, TableName
from carrel_warehouse.stand_in.metering.charges import Estimate
from carrel_warehouse.stand_in.metering.mentions import mentions
from carrel_warehouse.stand_in.metering.reads import Read, missing, reads, whole
from carrel_warehouse.stand_in.metering.scales import Scales
from carrel_warehouse.stand_in.metering.sizes import Weights
from carrel_warehouse.stand_in.metering.statements import parsed, reading
from carrel_warehouse.stand_in.metering.writes import Writes

LONGEST = 256 * 1024  # characters that are worth the seconds it takes to understand them

Known = dict[TableName, Table]


@dataclass(frozen=True)
class Question:
    """A query with its surroundings, from a job's configuration or the body of jobs.query."""

    sql: str
    default: Dataset
    parameters: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(cls, project: str, query: Mapping[str, Any]) -> "Question":
        """The question that the API's JSON asks."""
        given = query.get("defaultDataset") or {}
        default = Dataset(given.get("projectId") or project, given.get("datasetId"))
        return cls(str(query.get("query") or ""), default, tuple(query.get("queryParameters") or ()))


@dataclass(frozen=True)
class Size:
    """The bytes that are read of a table, and whether the scales saw them."""

    bytes: int
    seen: bool = True


class Meter:
    """Keeps each weight until the next write."""

    def __init__(self, scales: Scales, writes: Writes) -> None:
        self._scales = scales
        self._writes = writes
        self._weights: dict[tuple[TableName, str | None, str], Weights] = {}
        self._as_of = 0
        self._weighing = asyncio.Lock()  # one at a time, which leaves the engine to the people

    async def estimate(self, question: Question) -> Estimate:
        """What the query reads; where that isn't understood, all of every table that it mentions."""
        try:
            queries = await self._queries(question)
            known: Known = {}
            sizes: list[Size] = []
            for query in queries:
                await self._learn(query, known, question.default)
                read = await asyncio.to_thread(reads, query, known, question.default)
                sizes += [await self._size(known[name], each, question) for name, each in read.items()]
        except NotUnderstoodError:
            return await self._in_full(question)
        certain = len(queries) <= 1 and not any(table.members for table in known.values())
        precise = certain and all(size.seen for size in sizes)
        return charges.estimate([size.bytes for size in sizes], precise=precise)

    @staticmethod
    async def _queries(question: Question) -> list[exp.Query]:
        if len(question.sql) > LONGEST:
            raise NotUnderstoodError("The text is too long.")
        statements = await asyncio.to_thread(parsed, question.sql)
        return [query for statement in statements if (query := reading(statement)) is not None]

    async def _learn(self, query: exp.Query, known: Known, default: Dataset) -> None:
        while unknown := await asyncio.to_thread(missing, query, known, default):
            for name in unknown:
                table = await self._scales.table(name)
                if table is None:
                    raise NotUnderstoodError(f"There is no table {name}.")
                known[name] = table

    async def _in_full(self, question: Question) -> Estimate:
        tables: Known = {}
        texts = [(question.sql, question.default)]
        while texts:
            for table in await self._mentioned(*texts.pop()):
                if table.name not in tables:
                    tables[table.name] = table
                    if table.query is not None:
                        texts.append((table.query, Dataset(table.name.project)))
        sizes = [await self._size(table, whole(table), question) for table in tables.values()]
        return charges.estimate([size.bytes for size in sizes], precise=False)

    async def _mentioned(self, text: str, default: Dataset) -> list[Table]:
        names = mentions(text, default)
        projects = await self._scales.projects()
        known = {
            project: await self._scales.datasets(project) for project in {n.project for n in names} & projects
        }
        places = {(n.project, n.dataset) for n in names if n.dataset in known.get(n.project, ())}
        there = {place: await self._scales.tables(*place) for place in places}
        likely = [n for n in names if n.wildcard or n.table in there.get((n.project, n.dataset), ())]
        found = [await self._scales.table(name) for name in likely if (name.project, name.dataset) in there]
        return [table for table in found if table is not None]

    async def _size(self, table: Table, read: Read, question: Question) -> Size:
        if table.query is not None or not read.columns:
            return Size(0)
        if table.members:
            sizes = [await self._size(each, whole(each), question) for each in table.members]
            return Size(sum(size.bytes for size in sizes))
        weights = await self._weighed(table, read.where, question)
        return Size(sum(weights.columns.get(column, 0) for column in read.columns), weights.seen)

    async def _weighed(self, table: Table, where: str | None, question: Question) -> Weights:
        parameters = question.parameters if where and "@" in where else ()
        key = (table.name, where, json.dumps(parameters, sort_keys=True))
        async with self._weighing:
            settled = await self._writes.settled()
            count = self._writes.count
            if count != self._as_of:
                self._weights.clear()
                self._as_of = count
            if key not in self._weights:
                found = await self._scales.weigh(table, where, parameters)
                if not settled or self._writes.count != count:
                    return found
                self._weights[key] = found
            return self._weights[key]
