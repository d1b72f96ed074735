"""The calls of the BigQuery API that begin or show jobs, as the gateway guards them; everything else passes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from aiohttp import web

from carrel_operator.api import Project
from carrel_warehouse.cluster_view import Caller
from carrel_warehouse.gateway import labels, verdict
from carrel_warehouse.gateway.book import Begun, Book
from carrel_warehouse.gateway.dry_runs import DryRuns, Question
from carrel_warehouse.gateway.errors import forbidden, over_budget
from carrel_warehouse.gateway.payers import NotYoursError, Payer, payer
from carrel_warehouse.gateway.settings import Settings
from carrel_warehouse.gateway.upstream import Upstream
from carrel_warehouse.gateway.witnesses import JobWitness, RowsWitness, Sighting
from carrel_warehouse.price import Price

Json = dict[str, Any]


class View(Protocol):
    """What the gateway sees of the cluster."""

    async def wait_for_caller(self, address: str) -> Caller | None:
        """Whose pod has that address."""

    def projects(self) -> list[Project]:
        """All of them."""


class Queries:
    """The handlers."""

    def __init__(self, settings: Settings, view: View, upstream: Upstream, book: Book) -> None:
        self._settings = settings
        self._view = view
        self._upstream = upstream
        self._book = book
        self._dry_runs = DryRuns(upstream)

    async def insert(self, request: web.Request) -> web.StreamResponse:
        """jobs.insert."""
        body = await _document(request)
        configuration = body.get("configuration") if body else None
        if body is None or not isinstance(configuration, dict):
            return await self._upstream.send(request, await request.read())
        caller, whose = await self._whose(request)
        if isinstance(whose, web.Response):
            return whose
        query = configuration.get("query")
        reference = body.get("jobReference") or {}
        if not isinstance(query, dict):  # loading, copying and exporting cost nothing
            _label(configuration, whose)
            return await self._upstream.send(request, json.dumps(body).encode())
        question = Question.of(caller.uid, _project(request), str(reference.get("location", "")), query)
        if configuration.get("dryRun") is True:  # "false" would be one for Python and none for BigQuery
            return await self._dry_run(request, question)
        begun = await self._admitted(request, whose, question, configuration.get("labels"), query)
        if isinstance(begun, web.Response):
            return begun
        _label(configuration, whose)
        return await self._begin(request, begun, body, JobWitness)

    async def query(self, request: web.Request) -> web.StreamResponse:
        """jobs.query."""
        body = await _document(request)
        if body is None or body.get("dryRun") is True:
            return await self._upstream.send(request, await request.read())
        caller, whose = await self._whose(request)
        if isinstance(whose, web.Response):
            return whose
        question = Question.of(caller.uid, _project(request), str(body.get("location", "")), body)
        begun = await self._admitted(request, whose, question, body.get("labels"), body)
        if isinstance(begun, web.Response):
            return begun
        _label(body, whose)
        return await self._begin(request, begun, body, RowsWitness, _held_back(body))

    async def job(self, request: web.Request) -> web.StreamResponse:
        """jobs.get and jobs.cancel."""
        witness = JobWitness(self._book.see)
        answer = await self._upstream.stream(request, witness)
        witness.end()
        return answer

    async def rows(self, request: web.Request) -> web.StreamResponse:
        """jobs.getQueryResults."""
        location, job = request.query.get("location", ""), request.match_info["job"]
        if not self._book.is_running(_project(request), location, job):
            return await self._upstream.stream(request)
        witness = RowsWitness(self._book.see)
        answer = await self._upstream.stream(request, witness)
        witness.end()
        return answer

    async def budget(self, request: web.Request) -> web.StreamResponse:
        """What the caller may still read today; the gateway's own, not BigQuery's."""
        _, whose = await self._whose(request, request.query.get("project") or self._settings.project)
        if isinstance(whose, web.Response):
            return whose
        spent, now = self._book.spent(whose), datetime.now(UTC)
        return web.json_response(
            {
                "payer": whose.name,
                "bytes_per_query": whose.budget.bytes_per_query,
                "bytes_per_day": whose.budget.bytes_per_day,
                "spent_today": spent,
                "left_today": verdict.left(whose, spent),
                "price_per_tib": self._settings.price_per_tib,
                "currency": self._settings.currency,
                "resets_at": verdict.midnight(now).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "raised_by": whose.raised_by,
            }
        )

    async def _whose(
        self, request: web.Request, billing_project: str | None = None
    ) -> tuple[Caller, Payer | web.Response]:
        caller = await self._view.wait_for_caller(request.remote or "")
        if caller is None:
            message = f"Nothing that runs at {request.remote} is a notebook of Carrel, and only those may use its gateway."
            return _NOBODY, forbidden(message)
        charged = billing_project or _project(request)
        try:
            return caller, payer(caller, charged, self._view.projects(), self._settings)
        except NotYoursError as problem:
            return caller, forbidden(str(problem))

    async def _admitted(
        self, request: web.Request, whose: Payer, question: Question, given: object, query: Json
    ) -> Begun | web.Response:
        """The query with its estimate and `maximumBytesBilled` in it, or why it may not run."""
        known = given if isinstance(given, dict) else {}
        cell, document = (str(known.get(name, "")) for name in (labels.CELL, labels.DOCUMENT))
        if whose.budget.bytes_per_day is None and whose.budget.bytes_per_query is None:
            return Begun(whose, 0, cell, document)
        processed = await self._dry_runs.processed(request, question)
        if isinstance(processed, web.Response):
            return processed
        # From here to the reservation nothing is awaited, or two could spend the same bytes.
        spent = self._book.spent(whose)
        price = Price(self._settings.price_per_tib, self._settings.currency)
        if message := verdict.refusal(whose, processed, spent, price, datetime.now(UTC)):
            return over_budget(message)
        if (most := verdict.cap(query.get("maximumBytesBilled"), whose, spent)) is not None:
            query["maximumBytesBilled"] = most
        return Begun(whose, processed, cell, document)

    async def _begin(
        self,
        request: web.Request,
        begun: Begun,
        body: Json,
        kind: Callable[[Callable[[Sighting], None]], JobWitness | RowsWitness],
        held_back: float = 0.0,
    ) -> web.StreamResponse:
        with self._book.on_the_way(begun):
            witness = kind(lambda seen: self._book.begin(begun, seen))
            answer = await self._upstream.send(request, json.dumps(body).encode(), witness, held_back)
            witness.end()
            return answer

    async def _dry_run(self, request: web.Request, question: Question) -> web.StreamResponse:
        answer = await self._upstream.ask(request, "POST", request.raw_path, await request.read())
        if answer.status == 200 and isinstance(answer.body, bytes):
            self._dry_runs.learn(question, answer.body)
        return answer


_ROWS_WAIT = 10_000  # ms
_NOBODY = Caller(notebook="", person="", project="", uid="", groups=frozenset())


def _label(holder: Json, whose: Payer) -> None:
    given = holder.get("labels")
    holder["labels"] = (given if isinstance(given, dict) else {}) | whose.labels


def _held_back(body: Json) -> float:
    """The seconds that jobs.query may wait for rows before it answers (its `timeoutMs`, 10 seconds without one)."""
    given = str(body.get("timeoutMs", _ROWS_WAIT))
    return int(given) / 1000 if given.isascii() and given.isdecimal() else _ROWS_WAIT / 1000


def _project(request: web.Request) -> str:
    return request.match_info["project"]


async def _document(request: web.Request) -> Json | None:
    """The request's JSON; None when it has none, which the warehouse says better than we could."""
    try:
        document = json.loads(await request.read())
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
