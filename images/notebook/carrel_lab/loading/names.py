"""Into which table a file goes."""

import re
import unicodedata
from dataclasses import dataclass

from carrel_lab.loading.refusal import RefusalError

_LONGEST = 1024  # BigQuery's own limit
_NAME = re.compile(rf"[A-Za-z0-9_]{{1,{_LONGEST}}}")
_READABLE = 128


@dataclass(frozen=True)
class Target:
    """A table of the warehouse's project."""

    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.dataset}.{self.table}"


def target(wanted: str, file_name: str, own: str) -> Target:
    """What ``DATASET.TABLE`` or ``TABLE`` means; with neither, a table named like the file in the dataset ``own``.

    Raises:
        RefusalError: the warehouse can have no such name.
    """
    dataset, dot, table = wanted.rpartition(".")
    if not wanted:
        return Target(own, cleaned(file_name.rpartition(".")[0]))
    for what, name in (("dataset", dataset if dot else own), ("table", table)):
        if not _NAME.fullmatch(name):
            message = f"'{name}' can't be the name of a {what}: say DATASET.TABLE with letters, digits and underscores."
            raise RefusalError(message)
    return Target(dataset if dot else own, table)


def cleaned(text: str) -> str:
    """A name for a table or column that needs no quotes anywhere."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:_READABLE].rstrip("_")
    if not name:
        return "data"
    return f"_{name}" if name[0].isdigit() else name
