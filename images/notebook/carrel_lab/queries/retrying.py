"""Trying again what the warehouse could not take, in sight of who waits: BigQuery's client would try for ten minutes
and say nothing.
"""

import time
from typing import Any

from carrel_lab.queries import sentences
from carrel_lab.queries.errors import QueryFailedError, said
from carrel_lab.queries.waiting import Line

SECONDS = 120.0  # after which a person would rather know


def begun(client: Any, query: str, config: Any, line: Line, seconds: float = SECONDS) -> Any:  # noqa: ANN401 - BigQuery's
    """The job of a query; the line says each time what the warehouse answered instead.

    Raises:
        QueryFailedError: it was not taken in all that time.
    """
    # Imported here: a kernel that never asks need not load it.
    from google.api_core.retry import Retry  # noqa: PLC0415
    from google.cloud.bigquery.retry import DEFAULT_RETRY  # noqa: PLC0415

    deadline = time.monotonic() + seconds

    def tell(error: Exception) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise QueryFailedError(sentences.not_taken(said(error), seconds)) from None
        line.show(sentences.trying_again(said(error), left))

    # What may be tried again is for BigQuery's client to say. It takes the end of a retry's own time for one more thing
    # to try again, for forty minutes.
    retry = Retry(DEFAULT_RETRY._predicate, maximum=10.0, timeout=None, on_error=tell)  # noqa: SLF001
    return client.query(query, job_config=config, retry=retry)
