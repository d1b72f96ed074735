"""Jobs that were begun here before: by a kernel that is gone, or in this notebook the day before."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from carrel_lab.queries import labels
from carrel_lab.queries.here import Place

_LOOKED_THROUGH = 200
_RESULTS_ARE_KEPT = timedelta(hours=24)  # by BigQuery, where no table was named for them


def running(client: Any, query: str, config: Any, at: Place) -> Any:  # noqa: ANN401 - BigQuery's, not imported here
    """The job that runs the very same query of this cell already, or None; never raises."""
    if not (at.cell and at.document):
        return None
    try:
        jobs = [
            each
            for each in _begun(client, "running") + _begun(client, "pending")
            if is_same(each, query, config)
        ]
        return next((each for each in jobs if _is_of(each, at.labels)), None)
    except Exception:  # noqa: BLE001 - of any library below it; then the query is begun, as ever
        return None


def latest(client: Any, at: Place) -> Any:  # noqa: ANN401
    """The last query of this cell; if there is none, of this notebook; None."""
    ours = (
        [each for each in _begun(client) if _is_of(each, labels.of("", at.document))] if at.document else []
    )
    of_the_cell = (each for each in ours if at.cell and _is_of(each, at.labels))
    return next(of_the_cell, ours[0] if ours else None)


def named(client: Any, name: str) -> Any:  # noqa: ANN401
    """The job of that id, which may be written ``project:location.id`` as BigQuery's pages do; raises Google's NotFound."""
    project, _, rest = name.rpartition(":")
    location, _, job = rest.rpartition(".")
    if not location and not project:
        known = next((each for each in _begun(client) if each.job_id == job), None)
        if known is not None:
            return known
    return client.get_job(job, project=project or None, location=location or None)


def is_same(job: Any, query: str, config: Any) -> bool:  # noqa: ANN401
    """Whether a job does what this query would: the same text, parameters and named table."""
    asked = config.to_api_repr().get("query", {}) if config is not None else {}
    runs = job.to_api_repr()["configuration"].get("query", {})
    table = asked.get("destinationTable")
    return (
        str(runs.get("query", "")).strip() == query.strip()
        and _plain(runs.get("queryParameters")) == _plain(asked.get("queryParameters"))
        and (table is None or table == runs.get("destinationTable"))
    )


def _begun(client: Any, state: str | None = None) -> list[Any]:  # noqa: ANN401
    """The person's queries of the last day, newest first, as far back as is looked."""
    jobs = client.list_jobs(
        max_results=_LOOKED_THROUGH,
        page_size=_LOOKED_THROUGH,
        state_filter=state,
        min_creation_time=datetime.now(UTC) - _RESULTS_ARE_KEPT,
    )
    queries = [each for each in jobs if each.job_type == "query" and each.created]
    return sorted(queries, key=lambda each: each.created, reverse=True)


def _is_of(job: Any, wanted: dict[str, str]) -> bool:  # noqa: ANN401
    return wanted.items() <= (job.labels or {}).items()


def _plain(parameters: Any) -> str:  # noqa: ANN401
    return json.dumps(parameters or [], sort_keys=True)
