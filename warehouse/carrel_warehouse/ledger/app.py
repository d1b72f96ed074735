"""What is served inside, to the hub, the auditor and who collects metrics."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from carrel_warehouse.cluster_view import ClusterView
from carrel_warehouse.ledger import findings
from carrel_warehouse.ledger.findings import Finding
from carrel_warehouse.ledger.metrics import Figures
from carrel_warehouse.ledger.store import Ledger
from carrel_warehouse.ledger.usage import Reader
from carrel_warehouse.price import Price

_LARGEST_REQUEST = 16 * 1024**2
_Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build(view: ClusterView, ledger: Ledger, reader: Reader, price: Price, project: str) -> web.Application:
    """The application of the internal port; `project` is who pays where nobody else does."""
    inside = _Inside(view, ledger, reader, price, project)
    app = web.Application(middlewares=[inside.no_notebooks], client_max_size=_LARGEST_REQUEST)
    app.add_routes(routes(inside))
    return app


def routes(inside: "_Inside") -> list[web.RouteDef]:
    """Where what is."""
    return [
        web.get("/healthz", inside.health),
        web.get("/livez", _live),
        web.get("/metrics", inside.metrics),
        web.get("/usage", inside.usage),
        web.post("/jobs", inside.jobs),
    ]


@dataclass(frozen=True)
class _Inside:
    view: ClusterView
    ledger: Ledger
    reader: Reader
    price: Price
    project: str

    @web.middleware
    async def no_notebooks(self, request: web.Request, handler: _Next) -> web.StreamResponse:
        """A NetworkPolicy keeps notebooks away; where none is enforced, this does."""
        if request.path not in {"/healthz", "/livez"} and self.view.caller(request.remote or ""):
            return web.Response(status=403, text="Notebooks can't ask here; use `carrel usage`.")
        return await handler(request)

    async def health(self, _: web.Request) -> web.Response:
        """Whether what is known of the cluster is new."""
        if not self.view.fresh:
            return web.Response(status=503, text="The cluster's watches are broken.")
        return web.Response(text="ok")

    async def metrics(self, _: web.Request) -> web.Response:
        """For Prometheus."""
        registry = CollectorRegistry()
        registry.register(Figures(self.reader, self.price))
        text = await asyncio.to_thread(generate_latest, registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def usage(self, request: web.Request) -> web.Response:
        """The rows of some days."""
        try:
            since = date.fromisoformat(request.query["since"])
            until = date.fromisoformat(request.query.get("until", date.max.isoformat()))
        except (KeyError, ValueError):
            return web.Response(status=400, text="Say since=2026-11-01, and until=2026-11-30 if you like.")
        rows = await asyncio.to_thread(self.reader.usage, since, until)
        answer = {
            "currency": self.price.currency,
            "price_per_tib": self.price.per_tib,
            "rows": [row.view() for row in rows],
        }
        return web.json_response(answer)

    async def jobs(self, request: web.Request) -> web.Response:
        """The auditor's findings."""
        try:
            found = msgspec.json.decode(await request.read(), type=list[Finding])
        except msgspec.DecodeError as error:
            return web.Response(status=400, text=f"These are no findings: {error}")
        others = [each for each in self.view.projects() if each.warehouse.billing_project != self.project]
        return web.json_response({"changed": findings.take(self.ledger, found, others)})


async def _live(_: web.Request) -> web.Response:
    return web.Response(text="ok")
