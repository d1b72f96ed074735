"""What pages show, told once or for as long as a page is open: again at each change, and nothing in between."""

import asyncio
import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.user import User
from jupyterhub.utils import url_escape_path, url_path_join
from tornado import web
from tornado.iostream import StreamClosedError

from carrel_hub import activity, desks, memberships
from carrel_hub.desks import Server
from carrel_hub.memberships import Surroundings, Viewer
from carrel_hub.notebooks import Notebooks, shared
from carrel_hub.spawner import NotebookSpawner
from carrel_operator import names
from carrel_operator.api import Notebook, Project
from carrel_operator.catalogue import Catalogue
from carrel_operator.cluster_errors import ClusterError
from carrel_operator.mirror import ANY

# One thing that happens is often several changes.
_SECONDS_TO_GATHER = 0.2
_SECONDS_BETWEEN_SIGNS_OF_LIFE = 20.0  # so that no proxy takes the stream for dead
# After that the browser comes again, and its rights are looked at anew.
_LONGEST_SECONDS = 600.0

Rows = dict[str, dict[str, Any]]


class _LiveHandler(APIHandler):  # type: ignore[misc]  # JupyterHub publishes no types
    """Rows by key: all at first, then those that changed and the keys of those that are gone."""

    def initialize(self) -> None:
        """Prepare one answer."""
        super().initialize()
        self._changed, self._closed = asyncio.Event(), False
        self._settings = NotebookSpawner(config=self.config)
        self.notebooks: Notebooks = shared(self._settings.namespace)
        self.view = self.notebooks.view

    def on_connection_close(self) -> None:
        """End with the page."""
        super().on_connection_close()
        self._closed = True
        self._changed.set()

    def rows(self, catalogue: Catalogue) -> Rows:
        """What there is to tell now."""
        raise NotImplementedError

    def names(self) -> Collection[str]:
        """The Notebooks that it is about."""
        raise NotImplementedError

    async def tell(self) -> None:
        """Answer once, or to whoever accepts a stream again at each change."""
        try:
            catalogue = await self.view.catalogue()
        except ClusterError as error:
            message = f"The cluster does not answer; try again in a minute. ({error})"
            raise web.HTTPError(503, "%s", message) from error
        if "text/event-stream" not in self.request.headers.get("Accept", ""):
            self.write(json.dumps(_news({}, self.rows(catalogue), everything=True)))
            return
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Accel-Buffering", "no")
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                await self._stream()
        except (StreamClosedError, TimeoutError):
            return

    async def _stream(self) -> None:
        told: Rows = {}
        first = True
        while not self._closed:
            self._changed.clear()
            with self.view.heard(self._changed, self.names()):
                now = self.rows(await self.view.catalogue())
                if first or now != told:
                    await self._send(f"data: {json.dumps(_news(told, now, everything=first))}\n\n")
                told, first = now, False
                await self._until_changed()
            await asyncio.sleep(_SECONDS_TO_GATHER)

    async def _until_changed(self) -> None:
        while not self._changed.is_set():
            try:
                async with asyncio.timeout(_SECONDS_BETWEEN_SIGNS_OF_LIFE):
                    await self._changed.wait()
            except TimeoutError:
                await self._send(": still here\n\n")

    async def _send(self, text: str) -> None:
        self.write(text)
        await self.flush()

    def desk(self, server: Server, catalogue: Catalogue) -> dict[str, Any]:
        """The row of one server."""
        notebook = self.view.known(server.notebook)
        size = catalogue.instance_types.get(notebook.instance_type) if notebook else None
        stop = activity.view(notebook, size, self._settings.cull, datetime.now(UTC))
        return desks.view(server, notebook, catalogue, self._settings.currency, stop)

    def address(self, place: str, owner: str, server: str) -> str:
        """Where something is done with a server."""
        names_of_it = [url_escape_path(each) for each in (owner, server) if each]
        return str(url_path_join(self.base_url, place, *names_of_it))


class HomeHandler(_LiveHandler):
    """``users/NAME/desks``: a person's own servers, and their projects."""

    @needs_scope("read:servers")  # type: ignore[untyped-decorator]
    async def get(self, user_name: str) -> None:
        """Answer with them."""
        if self.find_user(user_name) is None:
            raise web.HTTPError(404, "There is no such person.")
        self._user_name = user_name
        await self.tell()

    def rows(self, catalogue: Catalogue) -> Rows:
        """The servers, and then the projects."""
        user = self.find_user(self._user_name)
        if user is None:  # deleted while the page was open
            return {}
        own, viewer = self._own(user), self._viewer(user)
        found = {each.notebook: self.desk(each, catalogue) for each in own}
        for project in memberships.mine(self.view.projects, viewer):
            row = self._project(project, viewer, catalogue)
            found[row["key"]] = row
        return found

    def names(self) -> Collection[str]:
        """The person's Notebooks, and those of their projects."""
        user = self.find_user(self._user_name)
        if user is None:
            return ()
        teams = memberships.mine(self.view.projects, self._viewer(user))
        return [each.notebook for each in self._own(user)] + [
            names.notebook(names.team(each.name)) for each in teams
        ]

    def _own(self, user: User) -> list[Server]:
        others = sorted(user.orm_spawners.keys() - {""}) if self.allow_named_servers else []
        return [self._server(user, name, self._groups(user)) for name in ("", *others)]

    def _viewer(self, user: User) -> Viewer:
        own = [(each.title, self.view.known(each.notebook)) for each in self._own(user)]
        there = [(title, notebook) for title, notebook in own if notebook]
        return Viewer(user.name, self._groups(user), there)

    def _project(self, project: Project, viewer: Viewer, catalogue: Catalogue) -> dict[str, Any]:
        user = self.find_user(names.team(project.name))
        server = (
            self._server(user, "", project.groups) if user else Server(names.team(project.name), known=False)
        )
        desk = self.desk(server, catalogue)
        around = Surroundings(list(self.view.seen()), catalogue, self._settings.currency)
        return memberships.view(project, viewer, desk, around)

    def _server(self, user: User, name: str, groups: Collection[str]) -> Server:
        found = user.orm_spawners.get(name)
        return Server(
            owner=user.name,
            name=name,
            title=(found.display_name or name) if name else "Your desk",
            url=self.address("user", user.name, name),
            form=self.address("hub/spawn", user.name, name),
            groups=groups,
            chosen=(found.user_options or {}) if found else {},
            said=self.notebooks.said(names.notebook(user.name, name)),
        )

    @staticmethod
    def _groups(user: User) -> tuple[str, ...]:
        return tuple(sorted(group.name for group in user.groups))


class EveryoneHandler(_LiveHandler):
    """``desks``: the servers of everybody whose servers one may see."""

    @needs_scope("list:users")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Answer with them."""
        self._visible: dict[str, bool] = {}
        self._made: dict[str, tuple[Notebook, Server, dict[str, Any]]] = {}
        self._catalogue = Catalogue()
        await self.tell()

    def rows(self, catalogue: Catalogue) -> Rows:
        """Every Notebook, whoever made it."""
        if catalogue != self._catalogue:
            self._made, self._catalogue = {}, catalogue
        people = {name for (name,) in self.db.query(orm.User.name)}  # each has a default server
        servers = {
            tuple(row) for row in self.db.query(orm.User.name, orm.Spawner.name).join(orm.Spawner.user)
        }
        known = servers | {(name, "") for name in people}
        return {
            each.name: self._row(each, catalogue, known=(each.owner, each.server) in known)
            for each in self.view.seen()
            if self._may_see(each.owner)
        }

    def names(self) -> Collection[str]:
        """Any."""
        return (ANY,)

    def _may_see(self, owner: str) -> bool:
        if owner not in self._visible:
            self._visible[owner] = bool(self.has_scope(f"read:servers!user={owner}"))
        return self._visible[owner]

    def _row(self, notebook: Notebook, catalogue: Catalogue, *, known: bool) -> dict[str, Any]:
        """The row; the same one as before unless something of it has changed, for they are many."""
        server = Server(
            owner=notebook.owner,
            name=notebook.server,
            title=notebook.server,
            url=self.address("user", notebook.owner, notebook.server),
            form=self.address("hub/spawn", notebook.owner, notebook.server),
            groups=notebook.owner_groups,
            chosen={"instance_type": notebook.instance_type, "image": notebook.image},
            said=self.notebooks.said(notebook.name),
            known=known,
        )
        before = self._made.get(notebook.name)
        if before and before[0] is notebook and before[1] == server:
            return before[2]
        row = self.desk(server, catalogue)
        self._made[notebook.name] = (notebook, server, row)
        return row


def _news(told: Rows, now: Rows, *, everything: bool) -> dict[str, Any]:
    """What somebody who was told the one must hear to know the other."""
    return {
        "all": everything,
        "changed": {key: row for key, row in now.items() if everything or told.get(key) != row},
        "gone": [] if everything else sorted(told.keys() - now.keys()),
    }


HANDLERS = [(r"/api/users/([^/]+)/desks", HomeHandler), (r"/api/desks", EveryoneHandler)]
