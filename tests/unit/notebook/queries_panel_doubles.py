"""What the panel's routes talk to in a test: BigQuery, Google's credentials, and the Jupyter server around them."""

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web
from google.auth import credentials
from google.auth.exceptions import RefreshError
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from carrel_lab.queries_panel.documents import Documents
from carrel_lab.queries_panel.warehouse import Warehouse

Ask = Callable[..., Any]

ROUTES = "carrel_lab.queries_panel.routes"
JOBS = "/bigquery/v2/projects/demo/jobs"
TIB = 2**40


def job(name: str, created: int = 1000, **more: Any) -> dict[str, Any]:
    configuration = {"query": {"query": "SELECT 1"}, "labels": {"carrel_cell": "c1", "carrel_document": "d"}}
    statistics = {
        "creationTime": str(created),
        "startTime": str(created + 5),
        "endTime": str(created + 900),
        "totalBytesProcessed": "100",
        "query": {"totalBytesProcessed": "100", "totalBytesBilled": str(TIB // 2), "cacheHit": False},
    }
    reference = {"projectId": "demo", "jobId": name, "location": "EU"}
    known = {"jobReference": reference, "configuration": configuration, "statistics": statistics}
    return known | {"state": "DONE", "status": {"state": "DONE"}} | more


class BigQuery:
    """As much of it as the panel asks."""

    def __init__(self) -> None:
        self.pages: list[list[dict[str, Any]]] = [[job("a")]]
        self.budget: dict[str, Any] | None = {"payer": "ada", "price_per_tib": 6.25}
        self.refusal: tuple[int, Any] | None = None
        self.valid = "token-1"
        self.asked: list[str] = []

    def application(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get(JOBS, self._list),
                web.post(JOBS + "/{job}/cancel", self._cancel),
                web.get("/carrel/v1/budget", self._budget),
            ]
        )
        return app

    async def _list(self, request: web.Request) -> web.Response:
        if problem := self._problem(request):
            return problem
        assert request.query["projection"] == "full"
        assert request.query["maxResults"] == "50"
        assert "allUsers" not in request.query
        page = int(request.query["pageToken"] or 0)
        more = {"nextPageToken": str(page + 1)} if page + 1 < len(self.pages) else {}
        return web.json_response({"jobs": self.pages[page]} | more)

    async def _cancel(self, request: web.Request) -> web.Response:
        return self._problem(request) or web.json_response({"job": job(request.match_info["job"])})

    async def _budget(self, request: web.Request) -> web.Response:
        assert request.query["project"] == "demo"
        return web.json_response(self.budget) if self.budget else web.json_response({}, status=404)

    def _problem(self, request: web.Request) -> web.Response | None:
        self.asked.append(f"{request.method} {request.rel_url}")
        if request.headers["Authorization"] != f"Bearer {self.valid}":
            return web.json_response({"error": {"message": "Invalid token."}}, status=401)
        if self.refusal:
            status, content = self.refusal
            return web.Response(text=content) if status == 200 else web.json_response(content, status=status)
        return None


class Credentials(credentials.Credentials):
    """Google's boundary: what a refresh would fetch with the token file."""

    def __init__(self) -> None:
        super().__init__()
        self.refreshed = 0
        self.works = True

    def refresh(self, request: Any) -> None:
        del request
        if not self.works:
            raise RefreshError("invalid_grant")
        self.refreshed += 1
        self.token = f"token-{self.refreshed}"


class Serving:
    """The panel's routes on a server of Tornado's own, which is what Jupyter's is made of."""

    def __init__(self, warehouse: Warehouse | None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        handler = type("APIHandler", (RequestHandler,), {"get_current_user": lambda _: "ada"})
        base = "jupyter_server"
        parts = {
            "base.handlers": {"APIHandler": handler},
            "utils": {"url_path_join": lambda *each: "/".join(each)},
        }
        for name in (base, f"{base}.base", *(f"{base}.{part}" for part in parts)):
            module = ModuleType(name)
            module.__dict__.update(parts.get(name.removeprefix(f"{base}."), {}))
            monkeypatch.setitem(sys.modules, name, module)
        # Not as it was imported before, but with the Jupyter of this test.
        monkeypatch.delitem(sys.modules, ROUTES, raising=False)
        routes = importlib.import_module(ROUTES)
        panel = routes.Panel(warehouse, Documents(home))
        self._server = HTTPServer(Application(routes.handlers("/user/ada"), carrel_queries=panel))

    async def __aenter__(self) -> Ask:
        socket, port = bind_unused_port()
        self._server.add_socket(socket)

        async def ask(path: str, method: str = "GET") -> tuple[int, Any]:
            answer: HTTPResponse = await AsyncHTTPClient().fetch(
                f"http://127.0.0.1:{port}/user/ada/carrel/queries{path}",
                method=method,
                raise_error=False,
                allow_nonstandard_methods=True,
            )
            return answer.code, json.loads(answer.body)

        return ask

    async def __aexit__(self, *_: object) -> None:
        self._server.stop()
        await self._server.close_all_connections()
