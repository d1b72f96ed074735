"""The hub's REST API and page for backups, under the same addresses and scopes as a person's servers."""

import json
from http import HTTPStatus
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from carrel_hub.backups import (
    Backups,
    Files,
    RestoreRefusedError,
    checked_path,
    restore_view,
    shared,
    views,
)
from carrel_hub.refusal import refusal, unavailable
from carrel_hub.spawner import NotebookSpawner
from carrel_operator import names
from carrel_operator.api import Whose
from carrel_operator.cluster_errors import ClusterError

_HOW_TO_WISH = (
    'Say {"path": "<file or folder>", "as_of": "<date>", "project": "<name>"}; the last two may be left out. '
    'For the home of a project\'s own server say "owner": "project:<name>" instead of "project".'
)
_OFF = "Backups are not switched on here. Ask an administrator."


class _OfPerson(APIHandler):  # type: ignore[misc]  # JupyterHub publishes no types
    """What handlers of one person's files share."""

    async def backups(self) -> Backups:
        """Everybody's backups, once all were seen."""
        if not self.settings["template_vars"].get("carrel_backups"):
            raise refusal(404, _OFF)
        found = shared(NotebookSpawner(config=self.config).namespace)
        try:
            await found.listed()
        except ClusterError as error:
            raise unavailable(error) from error
        return found

    def files(self, backups: Backups, user_name: str) -> tuple[str, list[Files]]:
        """That person as the hub writes them, and what they may restore; a name that nobody has is a 404."""
        user = self.find_user(user_name)
        if user is None:
            raise refusal(404, "There is no such person.")
        return user.name, backups.files_of(user.name, [group.name for group in user.groups])


class BackupsHandler(_OfPerson):
    """``…/backups``: which backups there are, and what goes on with restores."""

    @needs_scope("servers")  # type: ignore[untyped-decorator]
    async def get(self, user_name: str, server_name: str = "") -> None:  # noqa: ARG002 - scopes go by it
        """Answer with the backups of the home, and of the projects in which the person may write."""
        backups = await self.backups()
        _, files = self.files(backups, user_name)
        restores = backups.restores_of([each.whose for each in files])
        found = {"files": list(views(files)), "restores": [restore_view(each) for each in restores]}
        self.write(json.dumps(found))


class RestoresHandler(_OfPerson):
    """``…/restores``: bring something back."""

    @needs_scope("servers")  # type: ignore[untyped-decorator]
    async def post(self, user_name: str, server_name: str = "") -> None:  # noqa: ARG002
        """Ask for a file or a folder; the answer comes before the effect."""
        backups = await self.backups()
        person, files = self.files(backups, user_name)
        try:
            path, as_of, whose = _wish(self.get_json_body(), person)
            found = await backups.restore(_chosen(files, whose), path, as_of, self.current_user.name)
        except RestoreRefusedError as error:
            raise refusal(error.status, error.message) from error
        except ClusterError as error:
            raise unavailable(error) from error
        self.set_status(HTTPStatus.ACCEPTED)
        self.write(json.dumps(restore_view(found)))


class RestoreHandler(_OfPerson):
    """``…/restores/NAME``: how far one is."""

    @needs_scope("servers")  # type: ignore[untyped-decorator]
    async def get(self, user_name: str, restore: str, server_name: str = "") -> None:  # noqa: ARG002
        """Answer with the restore."""
        backups = await self.backups()
        _, files = self.files(backups, user_name)
        for each in backups.restores_of([each.whose for each in files]):
            if each.name == restore:
                self.write(json.dumps(restore_view(each)))
                return
        raise refusal(404, "There is no such restore (any more).")


class BackupsPage(BaseHandler):  # type: ignore[misc]
    """``/hub/backups``: choose a date and a path, and get it back."""

    @web.authenticated
    async def get(self) -> None:
        """The page; what is on it comes from the API."""
        if not self.settings["template_vars"].get("carrel_backups"):
            raise refusal(404, _OFF)
        self.finish(await self.render_template("backups.html", user=self.current_user))


def _wish(body: Any, person: str) -> tuple[str, str, Whose]:  # noqa: ANN401 - whatever was sent
    """Path, date and whose files, as asked for; the person's own home when nobody else is named."""
    fields = body if isinstance(body, dict) else {}
    as_of, owner, project = (fields.get(each) or "" for each in ("as_of", "owner", "project"))
    known = fields.keys() <= {"path", "as_of", "owner", "project"}
    texts = all(isinstance(each, str) for each in (as_of, owner, project))
    if not known or not texts or (owner and project) or len(as_of) > 64:
        raise RestoreRefusedError(400, _HOW_TO_WISH)
    whose = Whose(project=project) if project else Whose(owner=owner or person)
    return checked_path(fields.get("path")), as_of, whose


def _chosen(files: list[Files], whose: Whose) -> Whose:
    if any(each.whose == whose for each in files):
        return whose
    project = whose.project or names.project_of(whose.owner)
    message = f"You can't restore files of a project '{project}': only its editors and admins can."
    if not project:
        message = f"You can't restore files of '{whose.owner}' here."
    raise RestoreRefusedError(403, message)


_SERVERS = (
    r"/api/users/(?P<user_name>[^/]+)/server",
    r"/api/users/(?P<user_name>[^/]+)/servers/(?P<server_name>[^/]*)",
)
HANDLERS = [
    (r"/backups", BackupsPage),
    *((f"{path}/backups", BackupsHandler) for path in _SERVERS),
    *((f"{path}/restores", RestoresHandler) for path in _SERVERS),
    *((f"{path}/restores/(?P<restore>[a-z0-9-]+)", RestoreHandler) for path in _SERVERS),
]
