"""A job as it is to be seen: the emulator's resource with what it doesn't know laid over it. Pure."""

import re
from typing import Any

from carrel_warehouse.stand_in.metering.charges import Estimate
from carrel_warehouse.stand_in.records import Failure

Json = dict[str, Any]
_PROCESSED = re.compile(rb'"totalBytesProcessed": ?"0"')
_BILLED = re.compile(rb'"totalBytesBilled": ?"0"')


def metered(resource: Json, estimate: Estimate) -> Json:
    """With the bytes that it reads. What fails costs nothing; what was cancelled may cost as much as if it had run."""
    statistics = resource.get("statistics", {})
    processed, dry = str(estimate.processed), bool(resource.get("configuration", {}).get("dryRun"))
    free = dry or resource.get("status", {}).get("errorResult", {}).get("reason", "stopped") != "stopped"
    query = statistics.get("query", {}) | {
        "totalBytesProcessed": processed,
        "totalBytesBilled": "0" if free else str(estimate.billed),
    }
    if dry:
        query["totalBytesProcessedAccuracy"] = estimate.accuracy
    return resource | {"statistics": statistics | {"totalBytesProcessed": processed, "query": query}}


def destined(resource: Json, destination: Json) -> Json:
    """With the table that it writes, where the emulator names none."""
    configuration = resource.get("configuration", {})
    query = configuration.get("query", {})
    if query.get("destinationTable"):
        return resource
    return resource | {"configuration": configuration | {"query": query | {"destinationTable": destination}}}


def asked(resource: Json, text: str) -> Json:
    """With the text that was sent to us."""
    configuration = resource.get("configuration", {})
    query = configuration.get("query", {}) | {"query": text}
    return resource | {"configuration": configuration | {"query": query}}


def failed(resource: Json, failure: Failure) -> Json:
    """As one that is over and has failed."""
    error = {"reason": failure.reason, "message": failure.message}
    statistics = {"endTime": resource.get("statistics", {}).get("creationTime")} | resource.get(
        "statistics", {}
    )
    shown = resource | {
        "status": {"state": "DONE", "errorResult": error, "errors": [error]},
        "statistics": statistics,
    }
    return shown | ({"state": "DONE", "errorResult": error} if "state" in resource else {})  # in a list


def head(estimate: Estimate, body: bytes) -> bytes:
    """The beginning of an answer that holds rows, with the bytes; the rows after it are not ours to read."""
    body = _PROCESSED.sub(b'"totalBytesProcessed": "%d"' % estimate.processed, body, count=1)
    return _BILLED.sub(b'"totalBytesBilled": "%d"' % estimate.billed, body, count=1)


def redacted(resource: Json) -> Json:
    """A job in a list as those see it who may not look into it."""
    return {name: resource[name] for name in ("kind", "id", "jobReference", "state") if name in resource}
