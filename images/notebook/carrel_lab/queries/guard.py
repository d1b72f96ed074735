"""A result that will not fit into the notebook's free memory is refused before it is downloaded, with ways out.

Guarded are ``to_dataframe`` and ``to_arrow``, so also %%bigquery, %bq_attach and pandas-gbq; not what comes in pieces
(``to_arrow_iterable``, ``to_dataframe_iterable``, a loop over rows). CARREL_RESULT_GUARD=off in the kernel's environment
(``%env CARREL_RESULT_GUARD=off``) switches it off.
"""

import contextlib
import functools
import os
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from carrel_lab.guard.cgroup import Cgroup
from carrel_lab.guard.notices import size
from carrel_lab.queries import sizes
from carrel_lab.queries.errors import ResultTooLargeError

# Bytes of memory at the worst moment, while a DataFrame is made of the Arrow table, for each byte that BigQuery counts:
# in plain columns, and in those that become Python objects. Measured once, with google-cloud-bigquery 3.47, pandas 3.1
# and pyarrow 26, on 2 million rows: texts of 100 characters 1.6, dates 1.8, numbers 2.6, texts of 9 characters 2.8,
# timestamps 2.9; NUMERIC 9.9. Arrow itself counts 1.0 (numbers) to 1.2 (short texts).
FACTORS = {"to_arrow": (1.2, 1.2), "to_dataframe": (3.0, 10.0)}

_TEXT, _LONG_TEXT = 64, 10_000  # bytes: what a text usually has, and what may be assumed without asking
_checked: ContextVar[bool] = ContextVar("carrel_result_checked", default=False)


def wrap(module: Any, free: Callable[[], int | None] | None = None) -> None:  # noqa: ANN401 - bigquery.table
    """Guard what downloads a whole result, for all who use it in this process."""
    for name, factors in FACTORS.items():
        method = getattr(module.RowIterator, name)
        setattr(module.RowIterator, name, _guarded(method, factors, free or free_memory))


def free_memory() -> int | None:
    """Bytes below the notebook's limit; None where there is none. It is read each time, since a notebook may grow."""
    try:
        memory = Cgroup().read()
    except OSError:
        return None
    return None if memory.limit is None else max(memory.limit - memory.used, 0)


def sentence(needed: float, free: int, job: str | None) -> str:
    """What is the matter, and each way out of it."""
    again = f"%bq_attach {job}" if job else "the cell again"
    return "\n".join(
        (
            f"The result needs about {size(needed)}, {size(free)} are free; nothing was downloaded. You can:",
            "- take a sample: SELECT … FROM … TABLESAMPLE SYSTEM (10 PERCENT), or LIMIT 100000;",
            "- keep it as a table in the warehouse: %%bigquery --destination_table DATASET.TABLE;",
            "- stream it in batches: for batch in job.result().to_arrow_iterable(): …;",
            f"- grow the notebook (carrel resize SIZE in a terminal, or the status bar), then run {again}.",
        )
    )


def _guarded(
    method: Callable[..., Any], factors: tuple[float, float], free: Callable[[], int | None]
) -> Callable[..., Any]:
    @functools.wraps(method)
    def fetch(rows: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        if not _checked.get():
            _check(rows, factors, free)
        token = _checked.set(True)
        try:
            return method(rows, *arguments, **options)
        finally:
            _checked.reset(token)

    return fetch


def _check(rows: Any, factors: tuple[float, float], free: Callable[[], int | None]) -> None:  # noqa: ANN401
    """Raises ResultTooLargeError, and nothing else."""
    if os.environ.get("CARREL_RESULT_GUARD", "").lower() == "off":
        return
    refusal = None
    with contextlib.suppress(Exception):  # who can't be weighed is let through
        room = free()
        needed = None if room is None else _needed(rows, sizes.factor(rows.schema, *factors), room)
        if needed is not None and room is not None and needed > room:
            refusal = ResultTooLargeError(sentence(needed, room, rows.job_id))
    if refusal is not None:
        raise refusal


def _needed(rows: Any, factor: float, room: int) -> float | None:  # noqa: ANN401
    """Bytes; BigQuery is asked only where the schema alone can't rule out that it is too much."""
    total = rows.total_rows
    if total is None:
        return None
    count = total if rows.max_results is None else min(total, rows.max_results)
    if (at_most := sizes.of_rows(count, rows.schema, _LONG_TEXT) * factor) <= room:
        return at_most
    table = _table(rows)
    if table is None:
        return sizes.of_rows(count, rows.schema, _TEXT) * factor
    return sizes.of_table(table, count, rows.schema) * factor


def _table(rows: Any) -> Any:  # noqa: ANN401
    """Where the rows come from: for a query the table that BigQuery keeps its result in."""
    with contextlib.suppress(Exception):
        reference = getattr(rows, "_table", None)  # there is no public way to it
        if reference is None and rows.job_id:
            reference = rows.client.get_job(
                rows.job_id, project=rows.project, location=rows.location
            ).destination
        return rows.client.get_table(reference) if reference is not None else None
    return None
