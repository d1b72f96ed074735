"""Run the auditor: `python -m carrel_warehouse.auditor`, settings from the environment."""

import asyncio
import contextlib
import logging
import os
import signal
import sys

import aiohttp
from aiohttp import web

from carrel_operator.cluster import Cluster
from carrel_warehouse.auditor.audit import Auditor
from carrel_warehouse.auditor.people import People
from carrel_warehouse.auditor.settings import Settings, parse
from carrel_warehouse.auditor.warehouse import Keyless, Warehouse


def main() -> None:
    """Audit until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(levelname).1s %(name)s: %(message)s")
    for talkative in ("httpx2", "httpx"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        settings = parse(os.environ)
    except ValueError as problem:
        sys.exit(f"The auditor can't start: {problem}")
    asyncio.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Rounds, and a port for probes, until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        cluster = Cluster.connect("carrel-auditor")
        stack.push_async_callback(cluster.close)
        timeout = aiohttp.ClientTimeout(total=120)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        warehouse = Warehouse(session, settings.warehouse, Keyless())
        auditor = Auditor(settings, warehouse, People(cluster, settings.namespace), session)
        runner = web.AppRunner(_probed(auditor), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, port=settings.port).start()
        rounds = asyncio.create_task(auditor.run())
        told = asyncio.create_task(stop.wait())
        # Rounds never end by themselves: if they do, the pod is to start anew.
        await asyncio.wait({rounds, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if rounds.done():
            rounds.result()
        rounds.cancel()


def _probed(auditor: Auditor) -> web.Application:
    async def live(_: web.Request) -> web.Response:
        alive = asyncio.get_running_loop().time() <= auditor.healthy_until
        return web.Response(status=200 if alive else 503)

    app = web.Application()
    app.add_routes([web.get("/livez", live)])
    return app


if __name__ == "__main__":
    main()
