"""JupyterHub with a view of the cluster: opened before it looks for its servers, closed when it ends."""

import asyncio
from typing import Any

from jupyterhub import orm
from jupyterhub.app import JupyterHub

from carrel_hub import api, backups_api, recovery
from carrel_hub.notebooks import Notebooks, shared
from carrel_hub.refusal import WithoutTraces
from carrel_hub.spawner import NotebookSpawner


class CarrelHub(JupyterHub):  # type: ignore[misc]  # JupyterHub publishes no types
    """The hub of a release."""

    _recovery: asyncio.Task[None] | None = None

    async def initialize(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - JupyterHub's own
        """Read the configuration and make all parts."""
        self.log.addFilter(WithoutTraces())
        await super().initialize(*args, **kwargs)

    def init_handlers(self) -> None:
        """Put our addresses before JupyterHub's, of which one of them is more than its own."""
        super().init_handlers()
        self.handlers[:0] = self.add_url_prefix(self.hub_prefix, [*api.HANDLERS, *backups_api.HANDLERS])

    async def init_spawners(self) -> int:
        """Look for the servers that run, once it is known which do."""
        await self._notebooks.all()
        found: int = await super().init_spawners()
        return found

    async def start(self) -> None:
        """Serve, and stop what runs without a server of this hub."""
        await super().start()
        if self.http_server:  # not for `jupyterhub token` and the like
            self._recovery = asyncio.create_task(recovery.stop_unknown(self._notebooks, self._knows))

    @property
    def _notebooks(self) -> Notebooks:
        return shared(NotebookSpawner(config=self.config).namespace)

    def _knows(self, owner: str, server: str) -> bool:
        user = orm.User.find(self.db, owner)
        if user is None or server not in user.orm_spawners:
            return False
        return bool(self.users[user].spawners[server].active)
