"""Run the gateway: `python -m carrel_warehouse.gateway`."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from carrel_operator.cluster import Cluster
from carrel_warehouse.cluster_view import ClusterView
from carrel_warehouse.gateway.app import build
from carrel_warehouse.gateway.book import Book
from carrel_warehouse.gateway.settings import Settings, SettingsError, load
from carrel_warehouse.gateway.upstream import Upstream
from carrel_warehouse.ledger import app as ledger_app
from carrel_warehouse.ledger.pods import PodHours
from carrel_warehouse.ledger.store import Ledger
from carrel_warehouse.ledger.usage import Reader
from carrel_warehouse.ledger.usage_status import UsageStatus
from carrel_warehouse.price import Price

FIELD_MANAGER = "carrel-gateway"
SETTINGS_PATH = Path(os.environ.get("CARREL_SETTINGS", "/etc/carrel/settings.yaml"))


def main() -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(levelname).1s %(name)s: %(message)s")
    for talkative in ("aiohttp.access", "httpx2", "httpx"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        settings = load(SETTINGS_PATH)
    except SettingsError as problem:
        sys.exit(f"The gateway can't start: {problem}")
    asyncio.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Both applications, until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        ledger = Ledger(settings.data)
        stack.callback(ledger.close)
        cluster = Cluster.connect(FIELD_MANAGER)
        stack.push_async_callback(cluster.close)
        view = ClusterView(cluster, settings.namespace)
        stack.push_async_callback(view.close)
        await view.open()
        session = await stack.enter_async_context(Upstream.session())
        outside = build(settings, view, Upstream(session, settings.upstream), Book(ledger))
        price = Price(settings.price_per_tib, settings.currency)
        reader = Reader(settings.data, price)
        inside = ledger_app.build(view, ledger, reader, price, settings.project)
        telling = UsageStatus(cluster, view, reader, price)
        for endless in (PodHours(view, ledger).run(), telling.run()):
            stack.push_async_callback(_end, asyncio.create_task(endless))
        for application, port in ((outside, settings.port), (inside, settings.internal_port)):
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=2)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, port=port).start()
        await stop.wait()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


if __name__ == "__main__":
    main()
