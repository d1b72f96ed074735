"""Every name in a text that could be a table's, for texts that nobody understands; strings are searched as well."""

import re
from collections.abc import Iterator

from carrel_warehouse.stand_in.metering.catalogue import Dataset, TableName

# A comment's names are looked up too: that costs a look, and to misread a quotation mark would cost a table.
_PATH = re.compile(r"[^\W\d][\w\-]*\*?(?:[`\s]*\.[`\s]*[\w\-]+\*?)*")
_BETWEEN = re.compile(r"[`\s]*\.[`\s]*")


def mentions(text: str, default: Dataset) -> set[TableName]:
    """The names that could be meant, most of which are no tables."""
    return {name for path in _PATH.findall(text) for name in _readings(_BETWEEN.split(path), default)}


def _readings(parts: list[str], default: Dataset) -> Iterator[TableName]:
    """`a.b.c` may be a table with its project, one with its dataset and a column, or one with two fields."""
    before, minus, last = parts[0].rpartition("-")
    if minus and before:  # a project's name, or a subtraction
        yield from _readings([last, *parts[1:]], default)
    if len(parts) >= 3:
        yield TableName(*parts[:3])
    if len(parts) >= 2:
        yield TableName(default.project, *parts[:2])
    if default.dataset:
        yield TableName(default.project, default.dataset, parts[0])
