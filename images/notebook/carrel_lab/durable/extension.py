"""Durable outputs as an extension of the Jupyter server, switched on in /opt/venv/etc/jupyter.

The two libraries make their rooms and hooks by name, and offer no way to name others. So the names are replaced here,
when this module is imported, which is before any extension is loaded; a release without them fails in the image's build.
"""

import itertools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jupyter_server_nbmodel.actions as nbmodel
import jupyter_server_ydoc.app as documents
import jupyter_server_ydoc.handlers as doors
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import ensure_async
from jupyter_server_nbmodel.event_logger import event_logger
from tornado import web

from carrel_lab.durable import cell_ids, cut, history
from carrel_lab.durable.executions import Executions
from carrel_lab.durable.journal import Journal, Running
from carrel_lab.durable.outputs import Outputs
from carrel_lab.durable.rooms import Door, Room, house
from carrel_lab.guard.notices import Kind

_CELLS = "https://events.jupyter.org/jupyter_server_nbmodel/cell_execution/v1"
_KERNELS = "https://events.jupyter.org/jupyter_server/kernel_actions/v1"

for _module, _name, _ours in (
    (documents, "DocumentRoom", Room),
    (doors, "DocumentRoom", Room),
    (documents, "YDocWebSocketHandler", Door),
    (nbmodel, "_output_hook", Outputs(nbmodel._output_hook)),  # noqa: SLF001 - see above
    (nbmodel, "_execute_snippet", cell_ids.told(nbmodel._execute_snippet)),  # noqa: SLF001
):
    if not hasattr(_module, _name):
        raise ImportError(f"{_module.__name__} has no {_name} any more: carrel_lab.durable must follow it.")
    setattr(_module, _name, _ours)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "carrel_lab.durable.extension", "app": Durable}]


class Durable(ExtensionApp):  # type: ignore[misc]  # jupyter_server publishes no types here
    """Wires the parts together."""

    name = "carrel_durable"
    _executions: Executions | None = None

    def initialize_settings(self) -> None:
        """Before anybody can open a document."""
        history.forget()
        house.contents = self.serverapp.contents_manager
        house.person = os.environ.get("JUPYTERHUB_USER", "me")
        house.tell = self._tell

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:  # noqa: ANN401
        apps = serverapp.extension_manager.extension_apps
        (library,), (runner,) = apps["jupyter_server_ydoc"], apps["jupyter_server_nbmodel"]
        stack = next(each[2]["execution_stack"] for each in runner.handlers if len(each) > 2 and each[2])
        # the address without which no two servers of one person, and no two of a team's, are the same
        journal = Journal(Path.home(), os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/"))
        rooms = library.ywebsocket_server.rooms
        self._executions = Executions(stack, rooms, serverapp.kernel_manager, journal)
        house.is_busy = self._executions.is_busy
        event_logger.add_listener(schema_id=_CELLS, listener=self._executions.heard_of_cell)
        serverapp.event_logger.add_listener(schema_id=_KERNELS, listener=self._executions.heard_of_kernel)
        await self._say_where_cells_were_cut(journal)

    async def stop_extension(self) -> None:
        """The server was asked to end."""
        if self._executions is not None:
            await self._executions.stop()

    async def _say_where_cells_were_cut(self, journal: Journal) -> None:
        found = journal.found()
        cells = sorted(found.cells, key=lambda each: each.path)
        marked, failed = [], False
        for path, runs in itertools.groupby(cells, key=lambda each: each.path):
            try:
                if await self._mark(path, runs, found.at):
                    marked.append(path)
            except web.HTTPError as error:
                failed = failed or error.status_code >= 500
                self.log.warning("%s: what was cut off there could not be marked: %s", path, error)
            except Exception as error:  # noqa: BLE001 - whatever a hostile file holds, the server starts
                self.log.warning("%s: what was cut off there could not be marked: %s", path, error)
        if cells and not failed:
            journal.clear()
        if marked:
            self._tell(
                f"The server ended at {found.at:%H:%M} UTC while cells were running. "
                f"Look where they were cut off in: {', '.join(marked)}."
            )

    async def _mark(self, path: str, runs: Iterable[Running], at: Any) -> bool:  # noqa: ANN401
        contents = self.serverapp.contents_manager
        model = await ensure_async(contents.get(path, content=True, type="notebook"))
        if not cut.mark(model["content"], [each.request for each in runs], at):
            return False
        document = {"type": "notebook", "format": "json", "content": model["content"]}
        await ensure_async(contents.save(document, path))
        return True

    def _tell(self, message: str) -> None:
        guard = self.serverapp.web_app.settings.get("carrel_guard")
        if guard is not None:
            guard.notices.say(Kind.WARNING, message)
