"""Tables as the meter knows them, read from the resources of the BigQuery API."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

Json = Mapping[str, Any]


class NotUnderstoodError(Exception):
    """A statement or a table isn't understood, so all that it names is charged in full."""


@dataclass(frozen=True)
class Dataset:
    """Where names without a project or a dataset are looked for; a dataset of None has no such place."""

    project: str
    dataset: str | None = None


@dataclass(frozen=True)
class TableName:
    """A table's full name."""

    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"

    @property
    def wildcard(self) -> bool:
        """Whether it stands for every table that begins so."""
        return self.table.endswith("*")


@dataclass(frozen=True)
class Column:
    """A column or a field of one; `type` is the API's word, RECORD for a struct."""

    name: str
    type: str
    repeated: bool = False
    fields: tuple["Column", ...] = ()


@dataclass(frozen=True)
class Partitioning:
    """By which column a table is divided: by `unit` of time, or by `interval` from `start`."""

    column: str
    unit: str | None = None
    start: int = 0
    interval: int = 1


@dataclass(frozen=True)
class Table:
    """A table, or a view if it has a query, or with `members` all tables that a wildcard stands for."""

    name: TableName
    columns: tuple[Column, ...] = ()
    rows: int = 0
    query: str | None = None
    legacy: bool = False
    partitioning: Partitioning | None = None
    members: tuple["Table", ...] = ()


def table(resource: Json) -> Table:
    """The table of a `tables.get` answer."""
    reference = resource["tableReference"]
    view = resource.get("view") or {}
    return Table(
        name=TableName(reference["projectId"], reference["datasetId"], reference["tableId"]),
        columns=tuple(_column(field) for field in (resource.get("schema") or {}).get("fields") or ()),
        rows=int(resource.get("numRows") or 0),
        query=view.get("query"),
        legacy=bool(view.get("useLegacySql", False)),
        partitioning=_partitioning(resource),
    )


def wildcard(name: TableName, members: Iterable[Table]) -> Table:
    """All tables that a wildcard stands for, as one that has every column of theirs."""
    found = tuple(members)
    columns = {column.name.lower(): column for member in found for column in member.columns}
    rows = sum(member.rows for member in found)
    return replace(Table(name), columns=tuple(columns.values()), rows=rows, members=found)


def _column(field: Json) -> Column:
    return Column(
        field["name"],
        str(field.get("type", "STRING")).upper(),
        field.get("mode") == "REPEATED",
        tuple(_column(each) for each in field.get("fields") or ()),
    )


def _partitioning(resource: Json) -> Partitioning | None:
    if by_time := resource.get("timePartitioning"):
        return Partitioning(by_time.get("field") or "_PARTITIONTIME", by_time.get("type") or "DAY")
    if by_range := resource.get("rangePartitioning"):
        bounds = by_range["range"]
        return Partitioning(
            by_range["field"], start=int(bounds["start"]), interval=int(bounds["interval"]) or 1
        )
    return None
