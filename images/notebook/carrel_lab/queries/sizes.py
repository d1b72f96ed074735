"""How much memory a result takes, from its schema, its rows, and the bytes that BigQuery counts for its table."""

from collections.abc import Sequence
from typing import Any

_WIDTHS = {
    "BOOL": 1, "BOOLEAN": 1,
    "INT64": 8, "INTEGER": 8, "FLOAT64": 8, "FLOAT": 8,
    "DATE": 8, "TIME": 8, "DATETIME": 8, "TIMESTAMP": 8,
    "NUMERIC": 16, "BIGNUMERIC": 32,
}  # fmt: skip
_NESTED = frozenset({"RECORD", "STRUCT"})
_OBJECTS = _NESTED | {"NUMERIC", "BIGNUMERIC", "BYTES"}  # a Python object for each value, in a DataFrame


def of_rows(rows: int, fields: Sequence[Any], text: int) -> int:
    """Bytes by the schema alone, if each value whose length it leaves open has ``text`` bytes."""
    return rows * sum(_width(field, text) for field in fields)


def of_table(table: Any, rows: int, fields: Sequence[Any]) -> int:  # noqa: ANN401 - BigQuery's own
    """Bytes of so many rows and such columns of a table, by what BigQuery counts for all of it."""
    names = {field.name for field in fields}
    chosen = [field for field in table.schema if field.name in names]
    whole = of_rows(1, table.schema, 64) or 1
    share = min(rows / (table.num_rows or rows or 1), 1.0) * of_rows(1, chosen, 64) / whole
    return max(round((table.num_bytes or 0) * share), of_rows(rows, chosen, 0))


def factor(fields: Sequence[Any], plain: float, objects: float) -> float:
    """The mean of two factors, by the bytes of the columns for which each is meant."""
    boxed = [field for field in fields if field.field_type in _OBJECTS or field.mode == "REPEATED"]
    share = of_rows(1, boxed, 64) / (of_rows(1, fields, 64) or 1)
    return plain + share * (objects - plain)


def _width(field: Any, text: int) -> int:  # noqa: ANN401
    if field.mode == "REPEATED":
        return max(text, 8)
    if field.field_type in _NESTED:
        return sum(_width(each, text) for each in field.fields)
    return _WIDTHS.get(field.field_type, text)
