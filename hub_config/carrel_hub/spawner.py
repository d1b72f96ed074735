"""JupyterHub's verbs, translated to one Notebook: start and stop write its spec, poll and progress read its status."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.spawner import Spawner
from jupyterhub.utils import url_path_join
from traitlets import Float, Instance, Unicode, default

from carrel_hub import options, pages, progress, token_scopes
from carrel_hub.attempt import Attempt
from carrel_hub.cluster_view import ClusterView
from carrel_hub.notebooks import Notebooks, shared
from carrel_hub.options import OptionError
from carrel_hub.order import Order
from carrel_hub.refusal import StartRefused
from carrel_hub.starting import StartError, has_ended, until_stopped
from carrel_operator import names
from carrel_operator.api import Notebook, Reason
from carrel_operator.cluster_errors import ClusterError
from carrel_operator.settings import Cull


class NotebookSpawner(Spawner):  # type: ignore[misc]  # JupyterHub publishes no types
    """Starts servers by writing Notebooks, and learns from their status what became of them.

    It keeps no state: every name derives from the user's and the server's.
    """

    namespace = Unicode("carrel", help="The namespace of the Notebooks.").tag(config=True)

    stuck_timeout = Float(
        120,
        help="""
        Seconds after which a start is given up that waits for what only others can give: room on a node,
        an image that can't be fetched, a disk.
        """,
    ).tag(config=True)

    stop_timeout = Float(
        60, help="Seconds to wait for a server to be gone; it goes on stopping after that."
    ).tag(config=True)

    currency = Unicode("$", help="What stands before a price on the pages.").tag(config=True)

    stopped_by = ""  # the person whose request to stop is being answered
    cull = Instance(Cull, args=(), help="When servers stop by themselves.").tag(config=True)

    _start_ended: asyncio.Future[None] | None = None

    @default("ip")
    def _all_interfaces(self) -> str:
        return "0.0.0.0"  # noqa: S104 - the pod's own; its NetworkPolicy says who may come

    @default("port")
    def _notebook_port(self) -> int:
        return 8888

    @default("start_timeout")
    def _minutes_for_a_new_node(self) -> int:
        return 600

    @default("http_timeout")
    def _listening_but_slow(self) -> int:
        return 60

    @default("poll_interval")
    def _reads_memory_only(self) -> int:
        return 10

    @default("consecutive_failure_limit")
    def _failures_of_starts_say_nothing_about_the_hub(self) -> int:
        return 0

    @default("env_keep")
    def _nothing_of_the_hubs_own_environment(self) -> list[str]:
        return []

    @default("server_token_scopes")
    def _what_a_server_may_ask_the_hub(self) -> Any:  # noqa: ANN401
        return lambda spawner: token_scopes.of_server(spawner.user.name, spawner.name)

    @default("options_form")
    def _cards(self) -> Any:  # noqa: ANN401 - a traitlets default: any callable
        return NotebookSpawner.render_options_form

    @default("options_from_form")
    def _from_form(self) -> Any:  # noqa: ANN401
        return options.from_form

    @default("apply_user_options")
    def _applied_by_start(self) -> Any:  # noqa: ANN401
        return lambda spawner, user_options: None  # noqa: ARG005 - JupyterHub warns when there is no such hook

    @property
    def notebook_name(self) -> str:
        """The name of this server's Notebook."""
        return names.notebook(self.user.name, self.name)

    @property
    def project(self) -> str:
        """The project whose server this is; empty for a person's."""
        return names.project_of(self.user.name)

    @property
    def groups(self) -> tuple[str, ...]:
        """The person's groups, as of the last login; of a team, those of which all may work in its server."""
        if self.project:
            found = self.view.project(self.project)
            return tuple(sorted(found.groups)) if found else ()
        return tuple(sorted(group.name for group in self.user.groups))

    @property
    def notebooks(self) -> Notebooks:
        """What may be done to Notebooks; all spawners share it."""
        return shared(self.namespace)

    @property
    def view(self) -> ClusterView:
        """The view of the cluster that all spawners share."""
        return self.notebooks.view

    async def render_options_form(self) -> str:
        """The cards for size and image."""
        catalogue = await self.view.catalogue()
        chosen = options.suggestion(self.orm_spawner.user_options or {}, catalogue, self.groups)
        return pages.options_form(catalogue, self.groups, chosen, self.currency)

    async def start(self) -> str:
        """Start the server, and return its address as soon as it answers; StartRefused says why it doesn't.

        Cancelled because somebody stops what is starting, it refuses too; cancelled because the hub ends, it
        leaves the Notebook as it is, and the next hub goes on with this start.
        """
        ended = self._start_ended = asyncio.get_running_loop().create_future()
        try:
            return await self._attempt.start(self._order)
        except StartRefused as refused:
            self.notebooks.say(self.notebook_name, refused.jupyterhub_message)
            raise
        finally:
            ended.set_result(None)
            self._start_ended = None

    async def stop(self, now: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - JupyterHub's signature
        """Stop the server and wait until it is gone; ``now`` can't be quicker, for the grace time is the pod's."""
        by, self.stopped_by = self.stopped_by, ""
        asked = await self.notebooks.stop(self.notebook_name, by)
        if asked is None:
            return
        try:
            async with asyncio.timeout(self.stop_timeout):
                await until_stopped(self.view.changes(self.notebook_name), asked.metadata.generation)
        except TimeoutError:
            self.log.warning("%s is still stopping after %s s.", self._log_name, self.stop_timeout)

    async def resize(self, instance_type: str, by: str) -> None:
        """Give the server another size: now if it runs and can, and at every later start.

        OptionError if the person may not have it, ClusterError if it can't be asked for.
        """
        catalogue = await self.view.catalogue()
        asked = {**(self.orm_spawner.user_options or {}), options.INSTANCE_TYPE: instance_type}
        chosen = options.choice(asked, catalogue, self.groups)
        await self.notebooks.resize(self.notebook_name, chosen.instance_type, by)
        self.orm_spawner.user_options = self.user_options = asked
        self.user.db.commit()

    async def poll(self) -> int | None:
        """None while the server runs or may run, else its exit status."""
        if self._start_ended:
            return None
        try:
            notebook = await self.view.get(self.notebook_name)
            if notebook is None or not notebook.running:
                return 0
            if has_ended(notebook):
                # not to be tried again by the operator for a person whom the hub tells that it stopped
                await self.notebooks.stop(self.notebook_name)
                self.notebooks.say(self.notebook_name, notebook.status.message)
                return 0 if notebook.status.reason is Reason.SERVER_EXITED else 1
        except ClusterError as error:
            self.log.warning("%s is taken to run as before: %s", self._log_name, error)
            return None
        self._follow_address(notebook)
        return None

    async def progress(self) -> AsyncGenerator[dict[str, Any]]:
        """The operator's sentences as they change, until the start has ended."""
        if self._start_ended is None:
            return
        changes = self.view.changes(self.notebook_name, self._start_ended)
        async with aclosing(progress.told(changes)) as events:
            async for event in events:
                yield event

    async def get_url(self) -> str:
        """The server's address after a restart of the hub, which may have happened in the middle of a start."""
        try:
            notebook = await self.view.get(self.notebook_name)
            if notebook and notebook.running:
                return str(url_path_join(await self._attempt.resume(notebook), self.server.base_url))
        except (StartError, ClusterError, TimeoutError) as error:
            self.log.warning("%s was not found again: %s", self._log_name, error)
            await self._attempt.give_up()
        return str(self.server.url)

    async def delete_forever(self) -> None:
        """Remove the Notebook; the person's home stays."""
        await self.notebooks.delete(self.notebook_name)

    async def rename(self, old_name: str, new_name: str) -> None:  # noqa: ARG002 - JupyterHub's signature
        """Remove the Notebook of the old name, which never changes its own; the next start makes the new one."""
        await self.notebooks.delete(names.notebook(self.user.name, old_name))

    @property
    def _attempt(self) -> Attempt:
        return Attempt(self.notebooks, self.notebook_name, self.start_timeout, self.stuck_timeout)

    async def _order(self) -> Order:
        try:
            chosen = options.choice(self.user_options, await self.view.catalogue(), self.groups)
        except OptionError as error:
            self.orm_spawner.user_options = {}  # JupyterHub would offer them again at the next start
            raise StartRefused(error.message, reason=error.reason) from error
        # the next start, which may name no options, is an ordinary one again
        kept = {key: value for key, value in (self.user_options or {}).items() if key != options.RESCUE}
        self.orm_spawner.user_options = kept
        self.user.db.commit()
        return Order(
            owner=self.user.name,
            server=self.name,
            instance_type=chosen.instance_type,
            image=chosen.image,
            groups=self.groups,
            rescue=chosen.rescue,
            by=self._who_asks(),
            environment={key: str(value) for key, value in self.get_env().items()},
        )

    def _who_asks(self) -> str:
        """The person whose request this start is, where JupyterHub says so."""
        asking = self.handler.current_user if self.handler else None
        return str(asking.name) if asking else ""

    def _follow_address(self, notebook: Notebook) -> None:
        """Take over another address of the server; JupyterHub's next check of the proxy's routes follows."""
        url = urlsplit(notebook.status.url)
        server = self.server
        if server and url.hostname and (server.ip, server.port) != (url.hostname, url.port):
            server.ip, server.port = url.hostname, url.port
            self.user.db.commit()
            self.log.info("%s is now at %s", self._log_name, notebook.status.url)
