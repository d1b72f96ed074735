"""The stand-in as one web application: what is where, and in which order a request meets it."""

import asyncio
import logging
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from carrel_warehouse.stand_in.access.calls import Calls
from carrel_warehouse.stand_in.access.guard import DeniedError, Guard
from carrel_warehouse.stand_in.access.lists import Lists, UnansweredError
from carrel_warehouse.stand_in.admission import Gate
from carrel_warehouse.stand_in.bearer import Handler, signed_in
from carrel_warehouse.stand_in.clock import Clock
from carrel_warehouse.stand_in.cluster import Cluster
from carrel_warehouse.stand_in.deadlines import Deadlines
from carrel_warehouse.stand_in.errors import denied, unavailable
from carrel_warehouse.stand_in.exchange import Exchange
from carrel_warehouse.stand_in.history import History
from carrel_warehouse.stand_in.impersonation import Impersonation
from carrel_warehouse.stand_in.job_views import Views
from carrel_warehouse.stand_in.jobs import Jobs
from carrel_warehouse.stand_in.lives import Lives
from carrel_warehouse.stand_in.metering.meter import Meter
from carrel_warehouse.stand_in.metering.scales import Scales
from carrel_warehouse.stand_in.metering.writes import Writes
from carrel_warehouse.stand_in.records import JobRecords
from carrel_warehouse.stand_in.sample import Loader, LoadError
from carrel_warehouse.stand_in.settings import Settings
from carrel_warehouse.stand_in.slow import SlowJobs
from carrel_warehouse.stand_in.tokens import AccessTokens
from carrel_warehouse.stand_in.upstream import DOWN, Emulator

EXCHANGE, READY, LIVE = "/sts/v1/token", "/healthz", "/livez"
LENDING = "/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
LARGEST_QUERY = 16 * 1024**2  # read whole; uploads flow through and have no limit
RETRY_SECONDS = 5.0
log = logging.getLogger(__name__)


class Readiness:
    """Whether the sample data is there, as a probe sees it."""

    def __init__(self) -> None:
        self.problem: str | None = "The sample data is being loaded."

    async def handle(self, _request: web.Request) -> web.Response:
        """200 or 503, with the sentence."""
        return web.Response(status=503 if self.problem else 200, text=self.problem or "ok")


async def build(settings: Settings) -> web.Application:
    """The application, with its connections opened at startup and closed at the end."""
    access_tokens, clock = AccessTokens(), Clock(settings.clock_ahead)
    app = web.Application(
        middlewares=[signed_in(access_tokens, open_paths=frozenset({EXCHANGE, READY, LIVE})), _refusing],
        client_max_size=LARGEST_QUERY,
    )
    # Queries may run for hours, so only connecting has a limit.
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=5), connector=aiohttp.TCPConnector(limit=0)
    )
    records = JobRecords(settings.data)
    readiness = Readiness()
    emulator = Emulator(session, settings.emulator)
    scales = Scales(session, settings.emulator)
    writes = Writes(scales.is_running)
    lists = Lists(session, settings.emulator)
    guard = Guard(lists, records)
    deadlines = Deadlines(session, settings.emulator, records, SlowJobs())
    views = Views(emulator, lists, records, guard, deadlines)
    history = History(session, settings.emulator, views)
    jobs = Jobs(emulator, records, Gate(Meter(scales, writes), guard, history), writes, views)
    calls = Calls(emulator, guard, lists, writes)
    lives = Lives(session, settings.emulator, settings.project, records)
    project, upload = "/bigquery/v2/projects/{project}", "/upload/bigquery/v2/projects/{project}/jobs"
    app.add_routes(
        [
            web.get(READY, readiness.handle),
            web.get(LIVE, _live),
            web.post(EXCHANGE, Exchange(settings, Cluster(settings), access_tokens, clock).handle),
            web.post(LENDING, Impersonation(settings, access_tokens, clock).handle),
            web.post(f"{project}/queries", jobs.query),
            web.get(f"{project}/queries/{{job}}", views.results),
            web.get(f"{project}/jobs", views.list),
            web.post(f"{project}/jobs", jobs.insert),
            web.get(f"{project}/jobs/{{job}}", views.get),
            web.post(f"{project}/jobs/{{job}}/cancel", views.cancel),
            web.delete(f"{project}/jobs/{{job}}/delete", views.delete),
            web.post(f"{project}/datasets", calls.insert_dataset),
            web.post(upload, jobs.upload),
            web.put(upload, jobs.upload),
            web.route("*", "/{anything:.*}", calls.passing),
        ]
    )

    async def running(_app: web.Application) -> AsyncIterator[None]:
        loading = asyncio.create_task(_load(Loader(session, settings), readiness, writes))
        watching = asyncio.create_task(lives.watch())
        yield
        loading.cancel()
        watching.cancel()
        deadlines.close()
        await session.close()
        records.close()

    app.on_response_prepare.append(clock.date)
    app.cleanup_ctx.append(running)
    return app


@web.middleware
async def _refusing(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except DeniedError as refusal:
        return denied(str(refusal))
    except UnansweredError:
        return unavailable(DOWN)


async def _load(loader: Loader, readiness: Readiness, writes: Writes) -> None:
    while readiness.problem:
        try:
            with writes.passing():
                await loader.run()
        except (LoadError, aiohttp.ClientError, OSError) as problem:
            readiness.problem = f"The sample data could not be loaded: {problem}"
            log.warning("%s", readiness.problem)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            readiness.problem = None


async def _live(_request: web.Request) -> web.Response:
    return web.Response(text="ok")
