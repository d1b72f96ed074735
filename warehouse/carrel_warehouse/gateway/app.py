"""The gateway as two web applications: one for notebooks, and one inside for figures and the auditor."""

import re

from aiohttp import web

from carrel_warehouse.gateway.book import Book
from carrel_warehouse.gateway.errors import error
from carrel_warehouse.gateway.queries import Queries, View
from carrel_warehouse.gateway.settings import Settings
from carrel_warehouse.gateway.upstream import Upstream

LARGEST_REQUEST = 16 * 1024**2  # of those read whole; uploads flow through and have no limit
# Batches hold calls that nobody would look at here.
_PASSING = re.compile(r"/(?:(?:resumable/)?upload/)?bigquery/v2/|/discovery/")


def build(settings: Settings, view: View, upstream: Upstream, book: Book) -> web.Application:
    """What notebooks talk to."""
    app = web.Application(client_max_size=LARGEST_REQUEST)
    queries = Queries(settings, view, upstream, book)
    project = "/bigquery/v2/projects/{project}"
    app.add_routes(
        [
            web.get("/healthz", _ok),
            web.get("/carrel/v1/budget", queries.budget),
            web.post(f"{project}/queries", queries.query),
            web.get(f"{project}/queries/{{job}}", queries.rows),
            web.post(f"{project}/jobs", queries.insert),
            web.get(f"{project}/jobs/{{job}}", queries.job),
            web.post(f"{project}/jobs/{{job}}/cancel", queries.job),
            web.route("*", "/{anything:.*}", _Passing(upstream).handle),
        ]
    )
    return app


class _Passing:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Everything else of BigQuery's API."""
        if not _PASSING.match(request.path):
            return error(404, f"The gateway of Carrel knows no {request.path}.", "notFound", "NOT_FOUND")
        return await self._upstream.stream(request)


async def _ok(_: web.Request) -> web.Response:
    return web.Response(text="ok")
