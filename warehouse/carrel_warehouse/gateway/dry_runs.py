"""How much a query would read, by a dry run that costs nothing, asked with the caller's own token."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from carrel_warehouse.gateway.upstream import Upstream

Json = dict[str, Any]

_SECONDS = 60.0  # that an answer is good for: a magic asks before it runs, and the query that follows needs no second one
_MOST = 10_000
# What of jobs.query's body or of a job's configuration decides how much is read, and whether it may be
_DECISIVE = (
    "query",
    "defaultDataset",
    "useQueryCache",
    "useLegacySql",
    "parameterMode",
    "queryParameters",
    "connectionProperties",
    "destinationTable",
    "createDisposition",
    "writeDisposition",
    "tableDefinitions",
    "userDefinedFunctionResources",
    "timePartitioning",
    "rangePartitioning",
    "clustering",
    "schemaUpdateOptions",
)


@dataclass(frozen=True)
class Question:
    """One query of one caller."""

    caller: str
    billing_project: str
    location: str
    decisive: str  # canonical JSON

    @classmethod
    def of(cls, caller: str, billing_project: str, location: str, query: Mapping[str, Any]) -> "Question":
        """From jobs.query's body, or the query in a job's configuration."""
        decisive = {name: query[name] for name in _DECISIVE if name in query}
        return cls(caller, billing_project, location, json.dumps(decisive, sort_keys=True))

    @property
    def key(self) -> bytes:
        """Short, and no other question's."""
        fields = (self.caller, self.billing_project, self.location, self.decisive)
        return hashlib.sha256(json.dumps(fields).encode()).digest()

    @property
    def job(self) -> bytes:
        """The dry run as jobs.insert's body."""
        reference = {"projectId": self.billing_project} | (
            {"location": self.location} if self.location else {}
        )
        configuration = {"dryRun": True, "query": json.loads(self.decisive)}
        return json.dumps({"jobReference": reference, "configuration": configuration}).encode()


class DryRuns:
    """Asks, and remembers for a minute."""

    def __init__(self, upstream: Upstream, clock: Callable[[], float] = time.monotonic) -> None:
        self._upstream = upstream
        self._clock = clock
        self._known: dict[bytes, tuple[float, int]] = {}

    async def processed(self, request: web.Request, question: Question) -> int | web.Response:
        """The bytes that it would read; or what the warehouse says instead, for the caller to hear."""
        if (known := self._remembered(question)) is not None:
            return known
        path = f"/bigquery/v2/projects/{question.billing_project}/jobs?prettyPrint=false"
        answer = await self._upstream.ask(request, "POST", path, question.job)
        if answer.status != 200 or not isinstance(answer.body, bytes):
            return answer
        return self.learn(question, answer.body)

    def learn(self, question: Question, answer: bytes) -> int:
        """Remember a dry run's answer that was seen; the bytes in it."""
        statistics = json.loads(answer).get("statistics", {})
        found = statistics.get("query", {}).get("totalBytesProcessed") or statistics.get(
            "totalBytesProcessed"
        )
        now = self._clock()
        if len(self._known) >= _MOST:
            self._known = {key: each for key, each in self._known.items() if each[0] > now}
        if len(self._known) < _MOST:
            self._known[question.key] = (now + _SECONDS, int(found or 0))
        return int(found or 0)

    def _remembered(self, question: Question) -> int | None:
        until, processed = self._known.get(question.key, (0.0, 0))
        return processed if until > self._clock() else None
