"""A job as the panel shows it, made of the job as BigQuery tells it. Pure."""

from collections.abc import Mapping
from typing import Any

CELL, DOCUMENT = "carrel_cell", "carrel_document"
SHOWN_OF_A_STATEMENT = 500
_TIB = 2**40
_CANCELLED = "stopped"

Json = dict[str, Any]


def is_query(job: Mapping[str, Any]) -> bool:
    """Whether a person would call it a query of theirs: no load, no copy, no statement of a script."""
    return "query" in job.get("configuration", {}) and not job.get("statistics", {}).get("parentJobId")


def view(job: Mapping[str, Any], price_per_tib: float | None) -> Json:
    """What the page is told; times are milliseconds, and what is not known is null."""
    reference, configuration = job["jobReference"], job.get("configuration", {})
    statistics, labels = job.get("statistics", {}), configuration.get("labels") or {}
    query = statistics.get("query", {})
    error = _error(job)
    billed = _number(query.get("totalBytesBilled"))
    return {
        "id": reference["jobId"],
        "location": reference.get("location"),
        "state": _state(job, error),
        "error": error.get("message") if error else None,
        "statement": configuration.get("query", {}).get("query", "")[:SHOWN_OF_A_STATEMENT],
        "bytes_processed": _number(query.get("totalBytesProcessed", statistics.get("totalBytesProcessed"))),
        "bytes_billed": billed,
        "cost": None if billed is None or price_per_tib is None else billed / _TIB * price_per_tib,
        "cache_hit": bool(query.get("cacheHit")),
        "created": _number(statistics.get("creationTime")),
        "started": _number(statistics.get("startTime")),
        "ended": _number(statistics.get("endTime")),
        "cell": labels.get(CELL),
        "document": labels.get(DOCUMENT),
        "labels": labels,
    }


def _error(job: Mapping[str, Any]) -> Json | None:
    found: Json | None = job.get("errorResult") or job.get("status", {}).get("errorResult")
    return found


def _state(job: Mapping[str, Any], error: Json | None) -> str:
    state = str(job.get("state") or job.get("status", {}).get("state", ""))
    if state != "DONE":
        return "pending" if state == "PENDING" else "running"
    if error:
        return "cancelled" if error.get("reason") == _CANCELLED else "failed"
    return "done"


def _number(text: object) -> int | None:
    """BigQuery writes its integers as texts."""
    try:
        return int(str(text))
    except ValueError:
        return None
