"""`maximumBytesBilled`: what a query may cost at most, kept before anything reaches the engine."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from carrel_warehouse.stand_in.errors import api_error
from carrel_warehouse.stand_in.metering.charges import Estimate
from carrel_warehouse.stand_in.records import Failure

REASON = "bytesBilledLimitExceeded"
# Runs in a refused query's place under its id, so that the emulator lists it, dates it and takes the id only once.
_PLACEHOLDER: Mapping[str, Any] = {"query": "SELECT 1", "useLegacySql": False}
_NOT_FOR_THE_PLACEHOLDER = (
    "destinationTable",
    "writeDisposition",
    "queryParameters",
    "connectionProperties",
    "createSession",
)


def exceeded(query: Mapping[str, Any], estimate: Estimate) -> Failure | None:
    """The refusal of a query that costs more than it may; None if it may run."""
    limit = query.get("maximumBytesBilled")
    try:
        allowed = int(limit) if limit is not None else None
    except (TypeError, ValueError):
        return None  # the emulator refuses what is no number
    if allowed is None or estimate.billed <= allowed:
        return None
    message = f"Query exceeded limit for bytes billed: {allowed}. {estimate.billed} or higher required."
    return Failure(REASON, message)


def hold_the_place(query: dict[str, Any]) -> None:
    """Make a query one that does nothing."""
    query.update(_PLACEHOLDER)
    for name in _NOT_FOR_THE_PLACEHOLDER:
        query.pop(name, None)


def error(failure: Failure) -> web.Response:
    """A failed job as jobs.query and jobs.getQueryResults tell it."""
    return api_error(400, failure.message, failure.reason, "INVALID_ARGUMENT")
