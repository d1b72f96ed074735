"""The hub's REST API for sizes, reports and idleness, beside JupyterHub's own for servers and under the same scopes."""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.apihandlers.users import UserServerAPIHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from carrel_hub import activity, keeping, options, reports, sizes
from carrel_hub.refusal import StartRefused, refusal, unavailable
from carrel_hub.spawner import NotebookSpawner
from carrel_operator import idle
from carrel_operator.api import Notebook, Reason
from carrel_operator.cluster_errors import ClusterError, UnavailableError

if TYPE_CHECKING:
    from carrel_hub.idle_stop import Stopper

_LONGEST_REPORT = 16 * 1024
_SECONDS_BETWEEN_REPORTS = 2.0
_SECONDS_BETWEEN_ACTIVITIES = 0.5

_FORBIDDEN = {Reason.INSTANCE_TYPE_FORBIDDEN}


class OfServer(APIHandler):  # type: ignore[misc]  # JupyterHub publishes no types
    """What handlers of one server share."""

    def spawner(self, user_name: str, server_name: str) -> NotebookSpawner:
        """The server's spawner; a name that nobody has is a 404."""
        user = self.find_user(user_name)
        if user is None or (server_name and server_name not in user.orm_spawners):
            raise web.HTTPError(404, "There is no such server.")
        spawner: NotebookSpawner = user.spawners[server_name]
        return spawner

    async def write_sizes(self, spawner: NotebookSpawner) -> None:
        """Answer with the size that the server has, those that it may have, and when it stops."""
        try:
            notebook = await spawner.view.get(spawner.notebook_name)
            catalogue = await spawner.view.catalogue()
        except ClusterError as error:
            raise unavailable(error) from error
        asked = spawner.orm_spawner.user_options or {}
        suggested = options.suggestion(asked, catalogue, spawner.groups)
        chosen = suggested.instance_type if suggested else ""
        size = catalogue.instance_types.get(notebook.instance_type if notebook else chosen)
        view = sizes.view(notebook, chosen, catalogue, spawner.groups, spawner.currency)
        self.write(json.dumps(view | activity.view(notebook, size, spawner.cull, datetime.now(UTC))))


class SizeHandler(OfServer):
    """``…/size``: which size a server has, which it may have, and how far a change is."""

    @needs_scope("read:servers", "servers")  # type: ignore[untyped-decorator]
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Answer with the sizes."""
        await self.write_sizes(self.spawner(user_name, server_name))


class ServerHandler(UserServerAPIHandler, OfServer):  # type: ignore[misc]
    """JupyterHub's own address of a server, which can be changed there too."""

    @needs_scope("servers")  # type: ignore[untyped-decorator]
    async def patch(self, user_name: str, server_name: str = "") -> None:
        """Give the server another size, start it anew, have it kept; the answer comes before the effect."""
        spawner = self.spawner(user_name, server_name)
        change = _change(self.get_json_body())
        if change.keep is not None:
            await self._keep(spawner, change.keep)
        if change.size:
            await self._resize(spawner, change.size)
        if change.restart:
            self._restart(spawner)
        self.set_status(HTTPStatus.ACCEPTED)
        await self.write_sizes(spawner)

    @needs_scope("delete:servers")  # type: ignore[untyped-decorator]
    async def delete(self, user_name: str, server_name: str = "") -> None:
        """Stop the server as JupyterHub does, and note who asked."""
        user = self.find_user(user_name)
        if user and server_name in user.orm_spawners:
            user.spawners[server_name].stopped_by = self.current_user.name
        await super().delete(user_name, server_name)

    async def _keep(self, spawner: NotebookSpawner, wish: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        try:
            until = keeping.until(wish, spawner.cull, now)
            notebook = await spawner.view.get(spawner.notebook_name)
            if until and (notebook is None or not notebook.running):
                raise refusal(400, "The server does not run, so there is nothing to keep: start it first.")
            await spawner.notebooks.keep(spawner.notebook_name, until, now)
        except keeping.KeepError as error:
            raise refusal(400, str(error)) from error
        except ClusterError as error:
            raise unavailable(error) from error

    async def _resize(self, spawner: NotebookSpawner, size: str) -> None:
        try:
            await spawner.resize(size, self.current_user.name)
        except options.OptionError as error:
            status = 403 if error.reason in _FORBIDDEN else 400
            raise refusal(status, error.message) from error
        except ClusterError as error:
            raise unavailable(error) from error

    def _restart(self, spawner: NotebookSpawner) -> None:
        if spawner.pending:
            raise refusal(400, f"The server is busy ({spawner.pending}); try again when that is done.")
        if not spawner.ready:
            raise refusal(400, "The server does not run: start it instead.")
        task = asyncio.create_task(self._stop_and_start(spawner), name=f"restart {spawner.notebook_name}")
        _RESTARTS.add(task)
        task.add_done_callback(_RESTARTS.discard)

    async def _stop_and_start(self, spawner: NotebookSpawner) -> None:
        """Nobody waits for it: what goes wrong stays on the server's page, as for any start."""
        user, name = spawner.user, spawner.name
        try:
            await self.stop_single_user(user, name)
            if stopping := spawner._stop_future:  # noqa: SLF001 - where JupyterHub has it
                await stopping
            await self.spawn_single_user(user, name, options=dict(spawner.orm_spawner.user_options or {}))
        except (web.HTTPError, StartRefused) as error:
            self.log.warning("%s was not restarted: %s", spawner.notebook_name, error)
        except Exception:
            self.log.exception("%s was not restarted", spawner.notebook_name)


_RESTARTS: set[asyncio.Task[None]] = set()  # a task that nobody holds may vanish in the middle


class ReportHandler(OfServer):
    """``…/report``: what a server's own agent says about its memory and disk."""

    _last: dict[str, float] = {}  # noqa: RUF012 - of all requests
    _told: dict[str, reports.Told] = {}  # noqa: RUF012

    @needs_scope("servers")  # type: ignore[untyped-decorator]
    async def post(self, user_name: str, server_name: str = "") -> None:
        """Take the report in."""
        spawner = self.spawner(user_name, server_name)
        if len(self.request.body) > _LONGEST_REPORT:
            raise refusal(413, f"A report has at most {_LONGEST_REPORT} bytes.")
        try:
            report = reports.parse(self.request.body)
        except reports.ReportError as error:
            raise refusal(400, str(error)) from error
        # two parts of the server speak, and neither must make the other late
        self._not_too_often(f"{spawner.notebook_name} {'identity' if report.identity else 'use'}")
        with contextlib.suppress(UnavailableError):  # the next report says it again
            if notebook := await spawner.view.get(spawner.notebook_name):
                await self._write(spawner, notebook, report)
        self.set_status(HTTPStatus.NO_CONTENT)

    def _not_too_often(self, name: str) -> None:
        now = time.monotonic()
        if now - self._last.get(name, -_SECONDS_BETWEEN_REPORTS) < _SECONDS_BETWEEN_REPORTS:
            raise refusal(429, f"Report at most every {_SECONDS_BETWEEN_REPORTS:.0f} seconds.")
        self._last[name] = now

    async def _write(self, spawner: NotebookSpawner, notebook: Notebook, report: reports.Report) -> None:
        if report.identity and (identity := report.identity.news(notebook)):
            await spawner.notebooks.report(notebook, "identity", {"identity": identity.body()})
        told = self._told.setdefault(notebook.metadata.uid, reports.Told())
        for topic, status in told.news(report, notebook.session).items():
            await spawner.notebooks.report(notebook, topic, status)
            if topic == "kill" and told.kill:
                await spawner.notebooks.event(notebook, str(told.kill.action), told.kill.message)


class ActivityHandler(OfServer):
    """``…/activity``: what a server says of what runs in it; the answer is when it stops, and that it does."""

    _last: dict[str, float] = {}  # noqa: RUF012 - of all requests

    @needs_scope("servers")  # type: ignore[untyped-decorator]
    async def post(self, user_name: str, server_name: str = "") -> None:
        """Take it in, and stop the server if its time has come."""
        spawner = self.spawner(user_name, server_name)
        try:
            report = activity.parse(self.request.body)
        except activity.ActivityError as error:
            raise refusal(400, str(error)) from error
        self._not_too_often(spawner.notebook_name)
        try:
            self.write(json.dumps(await self._take(spawner, report)))
        except ClusterError as error:
            raise unavailable(error) from error

    async def _take(self, spawner: NotebookSpawner, report: activity.Report) -> dict[str, Any]:
        known = await spawner.view.get(spawner.notebook_name)
        if known is None or not known.running:
            raise refusal(409, "The server is being stopped.")
        now, policy = datetime.now(UTC), spawner.cull
        size = (await spawner.view.catalogue()).instance_types.get(known.instance_type)
        believed = activity.believed(known, report, size, policy, now)
        stop = idle.planned(believed, size, policy)
        if stop and stop.at <= now:
            stopper: Stopper = self.settings["carrel_stopper"]
            if await stopper.stop(known, stop, now):
                return {"stopped": True}
        elif believed is not known:
            await spawner.notebooks.tell_activity(believed)
        return activity.view(believed, size, policy, now) | {"stopped": False}

    def _not_too_often(self, name: str) -> None:
        now = time.monotonic()
        if now - self._last.get(name, -_SECONDS_BETWEEN_ACTIVITIES) < _SECONDS_BETWEEN_ACTIVITIES:
            raise refusal(429, f"Tell at most every {_SECONDS_BETWEEN_ACTIVITIES:g} seconds what runs.")
        self._last[name] = now


@dataclass(frozen=True, slots=True)
class _Change:
    """What is asked of a server."""

    size: str = ""
    restart: bool = False
    keep: dict[str, Any] | None = None


def _change(body: Any) -> _Change:  # noqa: ANN401 - whatever was sent
    """The size, whether to restart and for how long to keep it, as asked for."""
    fields = body if isinstance(body, dict) else {}
    size, restart = fields.get("instance_type", ""), fields.get("restart", False)
    keep = {key: fields[key] for key in (keeping.UNTIL, keeping.FOR) if key in fields}
    known = fields.keys() <= {"instance_type", "restart", *keep}
    if (
        not known
        or not isinstance(size, str)
        or not isinstance(restart, bool)
        or not (size or restart or keep)
    ):
        message = (
            'Say {"instance_type": "<name of a size>"}, {"restart": true}, {"keep_for": "8h"}, or several.'
        )
        raise refusal(400, message)
    return _Change(size, restart, keep or None)


SERVERS = (r"/api/users/([^/]+)/server", r"/api/users/([^/]+)/servers/([^/]*)")
HANDLERS = [
    *((path, ServerHandler) for path in SERVERS),
    *((f"{path}/size", SizeHandler) for path in SERVERS),
    *((f"{path}/report", ReportHandler) for path in SERVERS),
    *((f"{path}/activity", ActivityHandler) for path in SERVERS),
]
