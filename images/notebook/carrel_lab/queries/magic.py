"""%%bigquery with a price before, progress during and a summary after; and %bq_attach.

bigquery_magics has no setting for any of it. So three of its functions are replaced when it is imported: the one that
runs a query and waits, the one that prints an error and goes on, and the magic itself, for what is said at its end.
"""

import functools
import importlib
import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from carrel_lab.queries import attaching, budget, retrying, sentences, waiting
from carrel_lab.queries.errors import QueryFailedError, said
from carrel_lab.queries.here import Place, place
from carrel_lab.queries.sentences import Budget
from carrel_lab.queries.waiting import Line

_SECONDS_TO_ESTIMATE = 20.0
_FRESH = re.compile(r"(?<!\S)--fresh(?!\S)")


@dataclass
class _Run:
    """One use of the magic."""

    fresh: bool = False
    job: Any = None
    budget: Budget = field(default_factory=Budget)


_run: ContextVar[_Run | None] = ContextVar("carrel_query", default=None)
_seen: set[Place] = set()  # cells whose jobs this kernel knows of by itself


def change(module: Any) -> None:  # noqa: ANN401 - bigquery_magics.bigquery
    """Replace what has no setting; each keeps what it does besides."""
    module._cell_magic = _summed_up(module._cell_magic)  # noqa: SLF001
    module._run_query = _watched(module._run_query)  # noqa: SLF001
    module._handle_error = _failing(module.get_ipython)  # noqa: SLF001
    module.context.progress_bar_type = None  # its bars stay in the cell; a person may still ask for one


def attach(line: str) -> Any:  # noqa: ANN401 - a DataFrame
    """The result of the job of that id, or of the last query of this cell, else of this notebook."""
    shown = Line()
    try:
        client = _client()
        job = _found(client, line.strip())
        sentence = sentences.attached(job.job_id, waiting.age(job), fresh=False)
        shown.show(sentence)
        waiting.wait(job, shown, sentence)
    except Exception as error:  # noqa: BLE001 - of any library below it; what it says is said, and fails the cell
        raise QueryFailedError(said(error)) from None
    shown.show(f"{sentence}\n{sentences.ended(waiting.ended(job), budget.ask(client))}")
    return job.to_dataframe()


def _client() -> Any:  # noqa: ANN401
    """For what %%bigquery would use."""
    context = importlib.import_module("bigquery_magics").context
    bigquery = importlib.import_module("google.cloud.bigquery")
    return bigquery.Client(project=context.project, credentials=context.credentials)


def _found(client: Any, name: str) -> Any:  # noqa: ANN401
    job = attaching.named(client, name) if name else attaching.latest(client, place())
    if job is None:
        raise QueryFailedError(
            "No query of this notebook is known from the last 24 hours. Name a job: %bq_attach JOB_ID"
        )
    return job


def without_fresh(line: str) -> tuple[str, bool]:
    """The magic's own arguments, and whether ours was among them."""
    rest, found = _FRESH.subn("", line)
    return rest.strip() if found else line, bool(found)


def _summed_up(magic: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    @functools.wraps(magic)
    def bigquery(line: str, query: str) -> Any:  # noqa: ANN401
        line, fresh = without_fresh(line)
        run = _Run(fresh)
        token = _run.set(run)
        try:
            return magic(line, query)
        finally:  # a query whose result was refused has cost something too
            _run.reset(token)
            if run.job is not None:
                Line().show(sentences.ended(waiting.ended(run.job), run.budget))

    return bigquery


def _watched(run_query: Callable[..., Any]) -> Callable[..., Any]:
    def run(client: Any, query: str, job_config: Any = None) -> Any:  # noqa: ANN401
        if job_config is not None and job_config.dry_run:
            return run_query(client, query, job_config)
        this, line = _run.get() or _Run(), Line()
        job, before, reads = _taken_up(client, query, job_config, fresh=this.fresh), "", None
        if job is not None:
            before = sentences.attached(job.job_id, waiting.age(job), fresh=True)
            line.show(before)
        else:
            reads = _reads(client, query, job_config)
            this.budget = budget.ask(client)
            if reads is not None:
                before = sentences.estimate(reads, this.budget)
                line.show(before)
            job = retrying.begun(client, query, job_config, line)
        waiting.wait(job, line, before, reads)
        this.job = job
        return job

    return run


def _taken_up(client: Any, query: str, job_config: Any, *, fresh: bool) -> Any:  # noqa: ANN401
    """A job of a kernel before this one; what this kernel began itself has ended, or was cancelled, by now."""
    at = place()
    if fresh or at in _seen:
        return None
    _seen.add(at)
    return attaching.running(client, query, job_config, at)


def _reads(client: Any, query: str, job_config: Any) -> int | None:  # noqa: ANN401
    """The bytes that the query reads; None where BigQuery doesn't say, and what is wrong with it is said when it runs."""
    bigquery = importlib.import_module("google.cloud.bigquery")
    default = importlib.import_module("google.cloud.bigquery.retry").DEFAULT_RETRY
    trial = bigquery.QueryJobConfig.from_api_repr(job_config.to_api_repr() if job_config else {})
    trial.dry_run = True
    try:
        retry = default.with_timeout(_SECONDS_TO_ESTIMATE)
        found: int | None = client.query(
            query, job_config=trial, retry=retry, job_retry=None
        ).total_bytes_processed
    except Exception:  # noqa: BLE001 - of any library below it
        return None
    return found


def _failing(shell: Callable[[], Any]) -> Callable[..., None]:
    def handle_error(error: Exception, destination_var: str | None = None) -> None:
        if destination_var and (job := getattr(error, "query_job", None)):
            shell().push({destination_var: job})  # as the magic does
        raise QueryFailedError(said(error)) from None

    return handle_error
