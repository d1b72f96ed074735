"""JupyterHub with a view of the cluster: opened before it looks for its servers, closed when it ends."""

import asyncio
import contextlib
import re
from datetime import UTC, datetime
from typing import Any

from jupyterhub import orm
from jupyterhub.app import JupyterHub
from traitlets import Bool, Float, Unicode

from carrel_hub import api, backups_api, doctor_api, live, project_api, recovery, usage_api, views
from carrel_hub.group_refresh import GroupRefresh
from carrel_hub.idle_stop import Hub, Stopper
from carrel_hub.notebooks import Notebooks, shared
from carrel_hub.refusal import WithoutTraces
from carrel_hub.spawner import NotebookSpawner
from carrel_hub.teams import Teams
from carrel_operator import names

_SECONDS_FOR_THE_CLUSTER = 10.0


class CarrelHub(JupyterHub):  # type: ignore[misc]  # JupyterHub publishes no types
    """The hub of a release."""

    groups_refresh_seconds = Float(
        40, help="Seconds after which people at work are looked up again at the sign-in; 0: never."
    ).tag(config=True)

    ended_sign_in_stops = Bool(
        default_value=False,
        help="""
        Whether the servers of somebody are stopped whose sign-in the provider does not renew any more. Only where
        that means that they are gone: many providers end sign-ins after some hours, or forget them at a restart.
        """,
    ).tag(config=True)

    usage_url = Unicode("", help="Where what was used is asked for; nowhere if empty.").tag(config=True)

    _recovery: asyncio.Task[None] | None = None
    _teams: Teams
    _groups: GroupRefresh
    _stopping: asyncio.Task[None] | None = None

    async def initialize(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - JupyterHub's own
        """Read the configuration and make all parts."""
        self.log.addFilter(WithoutTraces())
        await super().initialize(*args, **kwargs)

    def init_handlers(self) -> None:
        """Put our addresses before JupyterHub's, of which one of them is more than its own."""
        super().init_handlers()
        self.handlers[:0] = self.add_url_prefix(
            self.hub_prefix,
            [
                *api.HANDLERS,
                *backups_api.HANDLERS,
                *doctor_api.HANDLERS,
                *project_api.HANDLERS,
                *live.HANDLERS,
                *usage_api.HANDLERS,
                *views.HANDLERS,
            ],
        )

    async def init_role_creation(self) -> None:
        """Make the roles, those of projects too: JupyterHub deletes all that its configuration does not name."""
        self._teams = Teams(self, self._notebooks)
        with contextlib.suppress(TimeoutError):  # without them the hub comes up too, and they come later
            async with asyncio.timeout(_SECONDS_FOR_THE_CLUSTER):
                await self._notebooks.view.all_projects()
        self.load_roles.extend(self._teams.configured_roles())
        await super().init_role_creation()

    async def init_users(self) -> None:
        """Read the people; from now on nobody can be named like a project's hub user, which no sign-in may be."""
        await super().init_users()
        pattern = self.authenticator.username_pattern
        self.authenticator.username_pattern = f"(?!(?i:{re.escape(names.TEAM)}))(?:{pattern})"

    async def init_spawners(self) -> int:
        """Look for the servers that run, once it is known which do."""
        await self._notebooks.view.all()
        found: int = await super().init_spawners()
        self._teams.open()
        return found

    def init_tornado_settings(self) -> None:
        """Give the handlers what stops idle servers, and where what was used is counted."""
        super().init_tornado_settings()
        self.tornado_settings["carrel_usage_url"] = self.usage_url.rstrip("/")
        policy = NotebookSpawner(config=self.config).cull
        hub = Hub(last_used=self._last_used, gone=self._look_for)
        self.tornado_settings["carrel_stopper"] = Stopper(self._notebooks, policy, hub)

    async def start(self) -> None:
        """Serve, and stop what runs without a server of this hub or without anything to do."""
        await super().start()
        if self.http_server:  # not for `jupyterhub token` and the like
            seconds, stops = self.groups_refresh_seconds, self.ended_sign_in_stops
            self._groups = GroupRefresh(self, self._notebooks, seconds, ended_stops=stops)
            self._groups.open()
            self._recovery = asyncio.create_task(recovery.stop_unknown(self._notebooks, self._knows))
            self._stopping = asyncio.create_task(self.tornado_settings["carrel_stopper"].run())

    @property
    def _notebooks(self) -> Notebooks:
        return shared(NotebookSpawner(config=self.config).namespace)

    def _knows(self, owner: str, server: str) -> bool:
        user = orm.User.find(self.db, owner)
        if user is None or server not in user.orm_spawners:
            return False
        return bool(self.users[user].spawners[server].active)

    def _last_used(self, owner: str, server: str) -> datetime | None:
        user = orm.User.find(self.db, owner)
        known = user.orm_spawners.get(server) if user else None
        return known.last_activity.replace(tzinfo=UTC) if known and known.last_activity else None

    async def _look_for(self, owner: str, server: str) -> None:
        if self._knows(owner, server):
            await self.users[orm.User.find(self.db, owner)].spawners[server].poll_and_notify()
