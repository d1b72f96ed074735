"""Waiting for a job, with one line that follows it; Stop cancels the job."""

import time
from collections.abc import Callable
from concurrent import futures
from datetime import UTC, datetime
from typing import Any

from carrel_lab.queries import sentences
from carrel_lab.queries.errors import QueryCancelled, said
from carrel_lab.queries.sentences import Ended

_SECONDS = (
    1.0  # between two looks, which is how often the line changes; BigQuery answers at once when it is done
)
_LATER = 5.0
_A_WHILE = 60.0
_SECONDS_TO_CANCEL = 10.0


class Line:
    """A place in a cell's output, of which the text changes."""

    def __init__(self, display: Callable[..., Any] | None = None) -> None:
        self._display, self._handle = display, None

    def show(self, text: str) -> None:
        """Replace what stood there."""
        content = {"text/plain": text}
        if self._handle is None:
            display = _display() if self._display is None else self._display
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


def wait(job: Any, line: Line, before: str = "", reads: int | None = None) -> None:  # noqa: ANN401 - BigQuery's
    """Until the job is done; raises what BigQuery says of it, or QueryCancelled. ``before`` stands above the line."""
    began = time.monotonic() - age(job)
    pause = _SECONDS
    try:
        while not _done(job, pause):
            seconds = time.monotonic() - began
            pause = _SECONDS if seconds < _A_WHILE else _LATER
            stages = [stage.status for stage in job.query_plan]
            progress = sentences.running(seconds, job.total_bytes_processed or reads, stages, job.job_id)
            line.show(f"{before}\n{progress}" if before else progress)
    except KeyboardInterrupt:
        raise QueryCancelled(_cancel(job, time.monotonic() - began)) from None


def age(job: Any) -> float:  # noqa: ANN401
    """How many seconds ago BigQuery took a job."""
    return (datetime.now(UTC) - job.created).total_seconds() if job.created else 0.0


def ended(job: Any) -> Ended:  # noqa: ANN401
    """What a job that is done has cost."""
    seconds = (job.ended - job.created).total_seconds() if job.ended and job.created else 0.0
    return Ended(job.job_id, seconds, job.total_bytes_billed, from_cache=bool(job.cache_hit))


def _done(job: Any, seconds: float) -> bool:  # noqa: ANN401
    try:
        job.result(timeout=seconds)
    except futures.TimeoutError:
        return False
    return True


def _cancel(job: Any, seconds: float) -> str:  # noqa: ANN401
    try:
        job.cancel(timeout=_SECONDS_TO_CANCEL)
    except Exception as error:  # noqa: BLE001 - of any library below it
        return sentences.not_cancelled(job.job_id, said(error))
    return sentences.cancelled(job.job_id, seconds)


def _display() -> Callable[..., Any]:
    from IPython.display import display  # noqa: PLC0415 - only where there is a cell

    return display  # type: ignore[no-any-return]
