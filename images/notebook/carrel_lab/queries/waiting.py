"""Waiting for a job, with one line that follows it; Stop cancels the job."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from carrel_lab.queries import sentences
from carrel_lab.queries.errors import QueryCancelled, said
from carrel_lab.queries.sentences import Ended

# Between two looks: at first short, so that a quick query is not kept waiting; never longer than the line may be old.
# `job.result(timeout=1)` would not do: BigQuery holds its answer back for 10 seconds, whatever that timeout.
_SECONDS, _LATER = 0.1, 5.0
_SLOWER = 1.3
_SHOWN_AFTER = 1.0
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
    began, before_us, pause = time.monotonic(), max(age(job), 0.0), _SECONDS
    try:
        while not job.done():
            waited = time.monotonic() - began
            if waited > _SHOWN_AFTER:
                stages = [stage.status for stage in job.query_plan]
                read = job.total_bytes_processed or reads
                progress = sentences.running(waited + before_us, read, stages, job.job_id)
                line.show(f"{before}\n{progress}" if before else progress)
            time.sleep(pause)
            pause = min(pause * _SLOWER, _LATER, 1.0 + waited / 30)
        job.result()
    except KeyboardInterrupt:
        raise QueryCancelled(_cancel(job, time.monotonic() - began + before_us)) from None


def age(job: Any) -> float:  # noqa: ANN401
    """How many seconds ago BigQuery took a job."""
    return (datetime.now(UTC) - job.created).total_seconds() if job.created else 0.0


def ended(job: Any) -> Ended:  # noqa: ANN401
    """What a job that is done has cost."""
    seconds = (job.ended - job.created).total_seconds() if job.ended and job.created else 0.0
    return Ended(job.job_id, seconds, job.total_bytes_billed, from_cache=bool(job.cache_hit))


def _cancel(job: Any, seconds: float) -> str:  # noqa: ANN401
    try:
        job.cancel(timeout=_SECONDS_TO_CANCEL)
    except Exception as error:  # noqa: BLE001 - of any library below it
        return sentences.not_cancelled(job.job_id, said(error))
    return sentences.cancelled(job.job_id, seconds)


def _display() -> Callable[..., Any]:
    from IPython.display import display  # noqa: PLC0415 - only where there is a cell

    return display  # type: ignore[no-any-return]
