"""Keeps JupyterHub in step with the Projects: a hub user for each, roles for its members, and out who has gone.

Woken when a Project changes, when JupyterHub meets a new person or group, and when somebody's groups change; nothing
is polled, and nothing is written that does not differ.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from jupyterhub import orm, roles
from sqlalchemy import event
from sqlalchemy.orm import selectinload

from carrel_hub import projects as rules
from carrel_hub.notebooks import Notebooks
from carrel_hub.stopping import stop_all
from carrel_operator import names
from carrel_operator.api import Project
from carrel_operator.cluster_errors import ClusterError

Json = dict[str, Any]
App = Any  # JupyterHub publishes no types
OrmUser = Any
Spawner = Any

_PAUSE = 5.0
_OWN_TOKENS = "jupyterhub"  # the client of tokens that people make for their programs


class Teams:
    """The hub's users, roles and running servers of projects."""

    def __init__(self, app: App, notebooks: Notebooks) -> None:
        self._app, self._notebooks = app, notebooks
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._going: dict[str, asyncio.Task[None]] = {}
        self._in: dict[
            str, frozenset[str]
        ] = {}  # who may work in which project's server, as of the last look

    def configured_roles(self) -> list[Json]:
        """The roles for JupyterHub's configuration, which forgets at its start all that it does not name."""
        if self._app.authenticator.manage_roles:  # JupyterHub refuses members of configured roles then
            return [_without_members(role) for role in self._roles()]
        return self._roles()

    def open(self) -> None:
        """Look now, and then whenever there is a reason."""
        self._notebooks.view.tell_of_projects(self._due.set)
        _listen(self._due.set)
        self._due.set()
        self._task = asyncio.create_task(self._keep(), name="teams")

    async def _keep(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._look()
            except ClusterError as error:
                self._app.log.warning("Teams are looked at again in %.0f s: %s", _PAUSE, error)
                self._again()
            except Exception:
                self._app.log.exception("Teams are looked at again in %.0f s", _PAUSE)
                self._app.db.rollback()
                self._again()

    def _again(self) -> None:
        asyncio.get_running_loop().call_later(_PAUSE, self._due.set)

    async def _look(self) -> None:
        there = {project.name: project for project in await self._notebooks.view.all_projects()}
        for project in there.values():
            self._user_of(project)
        self._keep_roles(self._roles())
        people = list(self._app.db.query(orm.User).options(selectinload(orm.User.groups)))
        for project in there.values():
            await self._keep_out(project, {each.name: each for each in people if _may_open(project, each)})
        for user in self._users_of_no_project(there):
            if user.name not in self._going:
                self._going[user.name] = asyncio.create_task(self._remove(user.name))

    def _roles(self) -> list[Json]:
        people, groups = self._names(orm.User), self._names(orm.Group)
        return [rules.role_of(project, people, groups) for project in self._notebooks.view.projects]

    def _user_of(self, project: Project) -> None:
        """The hub user whose server the project's is; its members need no consent page to be known there."""
        name, db = names.team(project.name), self._app.db
        found = orm.User.find(db, name)
        if found is None:
            found = orm.User(name=name)
            db.add(found)
            roles.assign_default_roles(db, entity=found)
            db.commit()
            self._app.log.info("Project %s has a server: user %s", project.name, name)
        client = self._app.users[found].spawners[""].oauth_client_id
        self._app.tornado_settings["oauth_no_confirm_list"].add(client)

    def _keep_roles(self, wanted: list[Json]) -> None:
        db = self._app.db
        for spec in wanted:
            role = orm.Role.find(db, spec["name"])
            if role is None or set(role.scopes) != set(spec["scopes"]):
                role = roles.create_role(db, _without_members(spec))
            for kind in ("users", "groups"):
                members = {each.name for each in getattr(role, kind)}
                if members != set(spec[kind]):
                    holders = orm.get_class(kind)
                    found = db.query(holders).filter(holders.name.in_(spec[kind])).all()
                    setattr(role, kind, found)
                    db.commit()
                    self._app.log.info("Role %s: %d %s", role.name, len(found), kind)
        kept = {spec["name"] for spec in wanted}
        for role in db.query(orm.Role).filter(orm.Role.name.startswith(rules.ROLE_PREFIX)).all():
            if role.name not in kept:
                roles.delete_role(db, role.name)

    async def _keep_out(self, project: Project, members: dict[str, OrmUser]) -> None:
        """Make a running server anew that somebody has open, or used, who may no longer.

        What they run there, what they have open and what they copied ends with it; no part of a Jupyter server can be
        taken from one of its users alone.
        """
        left = self._in.get(project.name, frozenset()) - members.keys()
        user = self._app.users[names.team(project.name)]
        for spawner in list(user.spawners.values()):
            if not spawner.active:
                continue
            tokens = [each for each in self._tokens_of(spawner) if each.user.name not in members]
            started = spawner.orm_spawner.started
            gone = {each.user.name for each in tokens}
            gone |= {name for name in left if self._was_at_work(name, started)}
            if gone and not spawner.ready:  # another session now would be the end of a start
                self._again()
                return
            if gone:
                await self._make_anew(spawner, project, sorted(gone))
            for token in tokens:
                self._app.db.delete(token)
            self._app.db.commit()
        self._in[project.name] = frozenset(members)

    async def _make_anew(self, spawner: Spawner, project: Project, gone: list[str]) -> None:
        who = f"{', '.join(gone)} may" if len(gone) < 4 else f"{len(gone)} people may"
        why = f"The server was restarted, because {who} no longer work in project '{project.name}'. Files are kept."
        self._app.log.info("%s: %s", spawner.notebook_name, why)
        await self._notebooks.restart(spawner.notebook_name, why)

    def _tokens_of(self, spawner: Spawner) -> list[Any]:
        """What JupyterHub gave out to those who have this server open."""
        tokens = self._app.db.query(orm.APIToken).filter(
            orm.APIToken.client_id == spawner.oauth_client_id, orm.APIToken.user_id.is_not(None)
        )
        return list(tokens)

    def _was_at_work(self, person: str, since: Any) -> bool:  # noqa: ANN401 - a time as the database has it
        """Whether a program has used this person's own token since then; with which server it spoke nobody knows."""
        user = orm.User.find(self._app.db, person)
        if user is None:
            return True  # their tokens went with them
        if since:  # JupyterHub notes a use only if the last that it noted was this long ago
            since -= timedelta(seconds=self._app.activity_resolution)
        own = [token for token in user.api_tokens if token.client_id == _OWN_TOKENS]
        return any(token.last_activity and (since is None or token.last_activity >= since) for token in own)

    def _users_of_no_project(self, there: dict[str, Project]) -> Iterator[OrmUser]:
        for user in self._app.db.query(orm.User).filter(orm.User.name.startswith(names.TEAM)).all():
            if names.project_of(user.name) not in there:
                yield user

    async def _remove(self, name: str) -> None:
        """Take a project's hub user away, and its servers; the operator has ended those, and keeps the files."""
        app = self._app
        try:
            user = app.users[name]
            await stop_all(app, user)
            await user.delete_spawners()
            app.tornado_settings["oauth_no_confirm_list"].discard(user.spawners[""].oauth_client_id)
            app.users.delete(user)
            app.log.info("Project %s is gone: user %s too", names.project_of(name), name)
            self._due.set()  # the project may have been made again meanwhile
        except Exception:
            app.log.exception("User %s of no project is tried again", name)
            self._again()
        finally:
            del self._going[name]

    def _names(self, kind: Any) -> set[str]:  # noqa: ANN401
        return {name for (name,) in self._app.db.query(kind.name)}

    async def close(self) -> None:
        """Stop looking."""
        tasks = [task for task in (self._task, *self._going.values()) if task]
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


def _without_members(role: Json) -> Json:
    return {key: role[key] for key in ("name", "description", "scopes")}


def _may_open(project: Project, user: OrmUser) -> bool:
    groups = [group.name for group in user.groups]
    return bool(user.admin) or rules.may_open(project, user.name, groups)


def _listen(heard: Callable[[], None]) -> None:
    """Have ``heard`` called when JupyterHub meets a person or a group, and when somebody joins or leaves one."""

    def hear(*_: object) -> None:
        heard()

    for kind in (orm.User, orm.Group):
        event.listen(kind, "after_insert", hear)
    for members in (orm.User.groups, orm.Group.users):
        for happening in ("append", "remove"):
            event.listen(members, happening, hear)
