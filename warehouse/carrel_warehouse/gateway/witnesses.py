"""What an answer says of a job, read while it flows by: its whole body never lies in memory."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_KEPT = 16 * 1024  # bytes of each end, where the figures are: before the schema and rows, or after them
_LARGEST_RESOURCE = 8 * 1024**2  # of a job; its query may have 1 MiB, and its plan some more
# In JSON no quotation mark stands unescaped in a text, so no row's value can look like one of these.
_JOB = re.compile(rb'"jobId"\s*:\s*"([A-Za-z0-9_-]+)"')
_PROJECT = re.compile(rb'"projectId"\s*:\s*"([^"\\]+)"')
_LOCATION = re.compile(rb'"location"\s*:\s*"([^"\\]+)"')
_PROCESSED = re.compile(rb'"totalBytesProcessed"\s*:\s*"(\d+)"')
_BILLED = re.compile(rb'"totalBytesBilled"\s*:\s*"(\d+)"')
_COMPLETE = re.compile(rb'"jobComplete"\s*:\s*(true|false)')
_CACHED = re.compile(rb'"cacheHit"\s*:\s*true')


@dataclass(frozen=True)
class Sighting:
    """What was seen of a job; `billed` is None where the answer didn't say."""

    billing_project: str
    job: str
    location: str
    state: str  # RUNNING, DONE or FAILED
    processed: int
    billed: int | None
    labels: dict[str, str]


class JobWitness:
    """Of an answer that is a job: jobs.insert, jobs.get, jobs.cancel."""

    def __init__(self, tell: Callable[[Sighting], None]) -> None:
        self._tell = tell
        self._body = bytearray()

    def see(self, chunk: bytes) -> None:
        """Keep it."""
        if len(self._body) <= _LARGEST_RESOURCE:
            self._body += chunk

    def end(self) -> None:
        """Tell what it was."""
        try:
            document = json.loads(self._body)
        except ValueError:
            return
        if isinstance(document, dict) and (found := sighting(document.get("job", document))):
            self._tell(found)


class RowsWitness:
    """Of an answer that has rows: jobs.query."""

    def __init__(self, tell: Callable[[Sighting], None]) -> None:
        self._tell = tell
        self._first, self._last = bytearray(), bytearray()

    def see(self, chunk: bytes) -> None:
        """Keep both ends."""
        room = _KEPT - len(self._first)
        self._first += chunk[:room] if room > 0 else b""
        rest = chunk[room:] if room > 0 else chunk
        self._last = (self._last + rest)[-_KEPT:]

    def end(self) -> None:
        """Tell what it was."""
        seen = bytes(self._first) + b"\n" + bytes(self._last)
        job, project = _JOB.search(seen), _PROJECT.search(seen)
        if not job or not project:
            return
        location, processed, billed = (each.search(seen) for each in (_LOCATION, _PROCESSED, _BILLED))
        complete = _COMPLETE.search(seen)
        done = complete is not None and complete[1] == b"true"
        free = done and _CACHED.search(seen) is not None
        self._tell(
            Sighting(
                project[1].decode(),
                job[1].decode(),
                location[1].decode() if location else "",
                "DONE" if done else "RUNNING",
                int(processed[1]) if processed else 0,
                0 if free else int(billed[1]) if billed and done else None,
                {},
            )
        )


def sighting(resource: Any) -> Sighting | None:  # noqa: ANN401 whatever the answer was
    """What a job's resource says; None where it is no query."""
    reference = resource.get("jobReference") if isinstance(resource, dict) else None
    configuration = resource.get("configuration", {}) if reference else {}
    if not reference or "query" not in configuration or configuration.get("dryRun"):
        return None
    status, statistics = resource.get("status", {}), resource.get("statistics", {})
    query = statistics.get("query", {})
    state = status.get("state", "RUNNING")
    if state == "DONE" and status.get("errorResult"):
        state = "FAILED"
    billed = query.get("totalBytesBilled")
    return Sighting(
        str(reference.get("projectId", "")),
        str(reference.get("jobId", "")),
        str(reference.get("location", "")),
        state if state in {"DONE", "FAILED"} else "RUNNING",
        int(query.get("totalBytesProcessed") or statistics.get("totalBytesProcessed") or 0),
        int(billed) if billed is not None and state in {"DONE", "FAILED"} else None,
        dict(configuration.get("labels") or {}),
    )
