"""What the panel asks below ``carrel/queries``: the person's queries and budget, and the end of one."""

import asyncio
import json
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from carrel_lab.queries_panel.documents import Documents
from carrel_lab.queries_panel.warehouse import NOT_CONFIGURED, Warehouse, WarehouseError

Json = dict[str, Any]


class Panel:
    """The parts that the pages need."""

    def __init__(self, warehouse: Warehouse | None, documents: Documents) -> None:
        self._warehouse, self._documents = warehouse, documents

    def queries(self) -> Json:
        """The queries with their notebooks, and the time on the clock that dates them is compared with."""
        found = self._there().queries()
        labels = {query["document"] for query in found["queries"]} - {None}
        paths = self._documents.paths(labels)
        queries = [query | {"document": paths.get(query["document"])} for query in found["queries"]]
        return found | {"queries": queries, "now": int(time.time() * 1000)}

    def cancel(self, job: str, location: str | None) -> Json:
        """Ask for a query's end."""
        return self._there().cancel(job, location)

    def _there(self) -> Warehouse:
        if self._warehouse is None:
            raise WarehouseError(HTTPStatus.NOT_FOUND, NOT_CONFIGURED)
        return self._warehouse


class _PanelHandler(APIHandler):  # type: ignore[misc]  # jupyter_server publishes no types here
    async def answer(self, ask: Callable[[Panel], Json]) -> None:
        """Answer with what is found, or with the sentence of a refusal."""
        try:
            found = await asyncio.to_thread(ask, self.settings["carrel_queries"])
        except WarehouseError as error:
            self.set_status(error.status)
            found = {"message": str(error)}
        self.finish(json.dumps(found))


class QueriesHandler(_PanelHandler):
    """``carrel/queries``."""

    @web.authenticated
    async def get(self) -> None:
        """The last queries, newest first, and what is left of the budget."""
        await self.answer(lambda panel: panel.queries())


class CancelHandler(_PanelHandler):
    """``carrel/queries/JOB/cancel``."""

    @web.authenticated
    async def post(self, job: str) -> None:
        """Ask for its end."""
        location = self.get_query_argument("location", None)
        await self.answer(lambda panel: panel.cancel(job, location))


def handlers(base_url: str) -> list[tuple[str, type[APIHandler]]]:
    """Addresses below the server's own."""
    queries = url_path_join(base_url, "carrel", "queries")
    return [(queries, QueriesHandler), (f"{queries}/([A-Za-z0-9_-]+)/cancel", CancelHandler)]
