"""What a file is, as far as a look at it tells, before any of it is sent."""

import csv
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from carrel_lab.loading.names import cleaned
from carrel_lab.loading.refusal import RefusalError

_DELIMITERS = ",;\t|"
_LOOKED_AT = 500  # rows, as many as BigQuery looks at
_NOT_TEXT = re.compile(r"\s*([+-]?\.?\d.*|true|false)\s*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Source:
    """A file with rows; `columns` and `delimiter` only of CSV, and `texts` if there's nothing but text in it."""

    path: Path
    size: int
    columns: tuple[str, ...] = ()
    delimiter: str = ""
    texts: bool = False

    @property
    def is_csv(self) -> bool:
        """Whether it is text that must be understood."""
        return bool(self.delimiter)


def source(path: Path) -> Source:
    """The file.

    Raises:
        RefusalError: it can't be loaded.
    """
    kind = {".csv": _csv, ".parquet": _parquet}.get(path.suffix.lower())
    try:
        if not path.exists():
            raise RefusalError(f"There is no file '{path}'.")
        if kind is None or not path.is_file():
            raise RefusalError(
                f"'{path}' is neither a .csv nor a .parquet file; save your data as one of them."
            )
        if not path.stat().st_size:
            raise RefusalError(f"'{path}' is empty.")
        return kind(path)
    except OSError as error:
        raise RefusalError(f"'{path}' can't be read: {error.strerror or error}.") from error


def _parquet(path: Path) -> Source:
    import pyarrow as pa  # noqa: PLC0415 half a second, which a CSV file doesn't need
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        rows = pq.read_metadata(path).num_rows
    except pa.ArrowInvalid as error:
        message = f"'{path}' is no Parquet file, or a part of it is missing; write it again."
        raise RefusalError(message) from error
    if not rows:
        raise RefusalError(f"'{path}' has no rows.")
    return Source(path, path.stat().st_size)


def _csv(path: Path) -> Source:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            delimiter = max(_DELIMITERS, key=first.count)
            file.seek(0)
            header, *rows = itertools.islice(csv.reader(file, delimiter=delimiter), 1 + _LOOKED_AT)
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise RefusalError(f"'{path}' is no CSV file in UTF-8; save it as one.") from error
    if not any(rows):
        raise RefusalError(f"'{path}' has no rows below its header.")
    texts = not any(_NOT_TEXT.fullmatch(value) for row in rows for value in row)
    return Source(path, path.stat().st_size, tuple(map(cleaned, header)), delimiter, texts)
