"""The query that weighs columns, in BigQuery's measure.

https://cloud.google.com/bigquery/pricing#data: what a value of each type weighs. A null weighs nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from carrel_warehouse.stand_in.metering import partitions
from carrel_warehouse.stand_in.metering.catalogue import Column, Table

FIXED: Mapping[str, int] = {
    "BOOL": 1,
    "BOOLEAN": 1,
    "NUMERIC": 16,
    "BIGNUMERIC": 32,
    "INTERVAL": 16,
    "RANGE": 16,
}
_EIGHT = 8  # numbers, dates and times
_BY_LENGTH: Mapping[str, str] = {
    "STRING": "2 + BYTE_LENGTH({0})",
    "BYTES": "2 + BYTE_LENGTH({0})",
    "JSON": "BYTE_LENGTH(TO_JSON_STRING({0}))",
    "GEOGRAPHY": "16 + 24 * ST_NUMPOINTS({0})",
}


@dataclass(frozen=True)
class Weights:
    """Each column's bytes, by its name in lower case; not `seen` are those of rows that are hidden."""

    columns: Mapping[str, int]
    seen: bool = True


def query(table: Table, where: str | None = None) -> str:
    """SQL whose one row is the number of rows and each column's weight, in order; `where` picks the partitions."""
    sums = [f"SUM({weight(column)})" for column in table.columns]
    wanted = ", ".join(f"IFNULL({each}, 0) AS c{index}" for index, each in enumerate(["COUNT(*)", *sums]))
    sql = f"SELECT {wanted} FROM `{table.name}`"  # noqa: S608 a name that the warehouse gave us
    if table.partitioning is None:
        return sql
    key = partitions.key(table.partitioning, table.columns)
    if where is None:
        # It always holds, and is a filter for a table that demands one.
        return f"{sql} WHERE {key} IS NOT NULL"
    return f"{sql} WHERE {key} IN (SELECT DISTINCT {key} FROM `{table.name}` WHERE {where})"  # noqa: S608 the person's own


def nothing(table: Table) -> Weights:
    """The weights of no rows."""
    return Weights(dict.fromkeys((column.name.lower() for column in table.columns), 0))


def weighed(table: Table, row: Sequence[int] | None) -> Weights:
    """Each column's bytes from that row; there is none if the emulator would not weigh the table.

    A row policy hides every row from the one who weighs. Then each value counts for eight bytes, which is what the
    emulator says a table has.
    """
    names = [column.name.lower() for column in table.columns]
    if row is None or (not row[0] and table.rows):
        return Weights(dict.fromkeys(names, _EIGHT * table.rows), seen=False)
    return Weights(dict(zip(names, row[1:], strict=True)))


def weight(column: Column, path: str | None = None, depth: int = 0) -> str:
    """SQL for the bytes of a column's value, or of the value at `path`."""
    value = path or f"`{column.name}`"
    if not column.repeated:
        return _single(column, value, depth)
    element = f"e{depth}"
    inside = _single(column, element, depth + 1)
    return f"IFNULL((SELECT SUM({inside}) FROM UNNEST({value}) AS {element}), 0)"  # noqa: S608 likewise


def _single(column: Column, value: str, depth: int) -> str:
    if column.fields:
        inner = [weight(each, f"{value}.`{each.name}`", depth) for each in column.fields]
        return f"({' + '.join(inner)})"
    if column.type in _BY_LENGTH:
        return f"IFNULL({_BY_LENGTH[column.type].format(value)}, 0)"
    return f"IF({value} IS NULL, 0, {FIXED.get(column.type, _EIGHT)})"
