"""The load job: the warehouse asked first, the file sent, the outcome told."""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from google.api_core.exceptions import Conflict, Forbidden, GoogleAPICallError, NotFound
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from requests.exceptions import RequestException

from carrel_lab.loading.names import Target, cleaned
from carrel_lab.loading.refusal import RefusalError
from carrel_lab.loading.sources import Source

_SECONDS_BETWEEN_WORDS = 2.0
_DISPOSITIONS = {"replace": "WRITE_TRUNCATE", "append": "WRITE_APPEND", "": "WRITE_EMPTY"}


class Warehouse:
    """BigQuery as the person sees it, in whose dataset `own` tables may be made without more ado."""

    def __init__(self, own: str, say: Callable[[str], None]) -> None:
        self._own = own
        self._say = say

    def load(self, source: Source, target: Target, how: str) -> None:
        """Load the file and tell how many rows there are.

        Raises:
            RefusalError: nothing was loaded, and why.
        """
        with _in_words(target):
            client = bigquery.Client()
            location = self._dataset(client, target.dataset)
            there = _table(client, target)
            if there is not None and not how:
                message = (
                    f"{target} is there already, with {there.num_rows or 0:,} rows: say --append to add to it, "
                    "--replace to put the file in its place, or another name."
                )
                raise RefusalError(message)
            job = self._sent(client, source, target, _configuration(source, target, there, how), location)
            job.result()
            rows = client.get_table(str(target)).num_rows
        self._say(f"Rows loaded: {job.output_rows:,}, from {_size(source.size)}. Rows in {target}: {rows:,}.")
        self._say(f"Ask it: SELECT * FROM `{target}` LIMIT 10")  # noqa: S608 a person reads it

    def _dataset(self, client: bigquery.Client, name: str) -> str:
        """Where it is; a person's own is made if there is none."""
        try:
            found = client.get_dataset(name)
        except NotFound:
            if name != self._own:
                message = (
                    f"There is no dataset '{name}': leave it out to load into your own, '{self._own}', "
                    f"or make it with the query CREATE SCHEMA {name}"
                )
                raise RefusalError(message) from None
            found = client.create_dataset(name, exists_ok=True)
        return str(found.location)

    def _sent(
        self,
        client: bigquery.Client,
        source: Source,
        target: Target,
        configuration: bigquery.LoadJobConfig,
        location: str,
    ) -> bigquery.LoadJob:
        try:
            with _Watched(source, self._say) as file:
                return client.load_table_from_file(
                    file, str(target), size=source.size, job_config=configuration, location=location
                )
        except KeyboardInterrupt:
            raise RefusalError("It was stopped before the whole file was sent; nothing was loaded.") from None
        except OSError as error:
            if isinstance(error, RequestException):
                raise
            message = f"'{source.path}' can't be read: {error.strerror or error}. Nothing was loaded."
            raise RefusalError(message) from error


class _Watched(io.FileIO):
    """The file, telling how much of it was read once that takes long."""

    def __init__(self, source: Source, say: Callable[[str], None]) -> None:
        super().__init__(source.path)
        self._size, self._say = source.size, say
        self._told = time.monotonic()

    def read(self, size: int | None = -1, /) -> bytes:
        if time.monotonic() - self._told > _SECONDS_BETWEEN_WORDS:
            self._told = time.monotonic()
            self._say(f"{_size(self.tell())} of {_size(self._size)} are sent.")
        return super().read(-1 if size is None else size) or b""


def _table(client: bigquery.Client, target: Target) -> bigquery.Table | None:
    try:
        return client.get_table(str(target))
    except NotFound:
        return None


def _configuration(
    source: Source, target: Target, there: bigquery.Table | None, how: str
) -> bigquery.LoadJobConfig:
    more: dict[str, Any] = {"source_format": "PARQUET"}
    if source.is_csv:
        schema = _schema(source, target, there if how == "append" else None)
        more = {
            "source_format": "CSV",
            "skip_leading_rows": 1,
            "field_delimiter": source.delimiter,
            "allow_quoted_newlines": True,
            **({"schema": schema} if schema else {"autodetect": True}),
        }
    return bigquery.LoadJobConfig(write_disposition=_DISPOSITIONS[how], **more)


def _schema(source: Source, target: Target, there: bigquery.Table | None) -> list[bigquery.SchemaField]:
    """The columns in the file's order; none where the warehouse is to find out itself.

    It takes a header for a row where all columns are text, and would append by position instead of by name.
    """
    if there is None:
        return [bigquery.SchemaField(name, "STRING") for name in source.columns] if source.texts else []
    known = {cleaned(field.name).casefold(): field for field in there.schema}
    if unknown := [name for name in source.columns if name.casefold() not in known]:
        names = ", ".join(field.name for field in there.schema)
        raise RefusalError(
            f"{target} has no column '{unknown[0]}' as the file does, but {names}; nothing was loaded."
        )
    return [known[name.casefold()] for name in source.columns]


@contextmanager
def _in_words(target: Target) -> Iterator[None]:
    try:
        yield
    except Conflict:
        raise RefusalError(f"Somebody else made {target} meanwhile; nothing was loaded.") from None
    except Forbidden as error:
        message = f"You may not write into '{target.dataset}', the warehouse says: {error.message}"
        raise RefusalError(message) from error
    except GoogleAPICallError as error:
        said, *_ = error.message.split("; reason: ")
        raise RefusalError(f"Nothing was loaded, because the warehouse says: {said}") from error
    except (GoogleAuthError, OSError) as error:
        raise RefusalError(f"Nothing was loaded, because the warehouse can't be reached: {error}") from error


def _size(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} GiB"
