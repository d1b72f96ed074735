"""What is served inside, to the hub, the auditor and who collects metrics."""

from aiohttp import web

from carrel_warehouse.cluster_view import ClusterView


def build(view: ClusterView) -> web.Application:
    """The application of the internal port."""

    async def health(_: web.Request) -> web.Response:
        if not view.fresh:
            return web.Response(status=503, text="The cluster's watches are broken.")
        return web.Response(text="ok")

    app = web.Application()
    app.add_routes([web.get("/healthz", health), web.get("/livez", _live)])
    return app


async def _live(_: web.Request) -> web.Response:
    return web.Response(text="ok")
