"""The hub's REST API for projects: how one is, and a repair of its files, for those who may change them."""

import json
import secrets
from http import HTTPStatus
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import needs_scope

from carrel_hub.notebooks import Notebooks, shared
from carrel_hub.refusal import refusal, unavailable
from carrel_hub.spawner import NotebookSpawner
from carrel_operator import names
from carrel_operator.api import ConditionType, Project, Role
from carrel_operator.cluster_errors import ClusterError

_TOKEN_BYTES = 8


class _OfProject(APIHandler):  # type: ignore[misc]  # JupyterHub publishes no types
    """What handlers of one project share."""

    @property
    def notebooks(self) -> Notebooks:
        """The hub's view of the cluster."""
        return shared(NotebookSpawner(config=self.settings["config"]).namespace)

    async def project(self, name: str) -> tuple[Project, Role]:
        """The project and what the caller may do in it; one that is not theirs is a 404, like one that is not."""
        await self.notebooks.view.all_projects()
        found = self.notebooks.view.project(name)
        role = self._role(found) if found else None
        if found is None or role is None:
            raise refusal(404, f"You are a member of no project '{name}'.")
        return found, role

    def _role(self, project: Project) -> Role | None:
        """The caller's role: of who may do it to all servers, of the project's own server, or of a member.

        It is theirs with a token for their own servers only, too: that is the one in a notebook's terminal.
        """
        user = self.current_user
        if self.has_scope("servers"):
            return Role.ADMIN
        if user.name == names.team(project.name):
            return Role.EDITOR
        return project.role_of(user.name, [group.name for group in getattr(user, "groups", ())])


class ProjectHandler(_OfProject):
    """``/api/projects/NAME``: how a project is."""

    @needs_scope("read:servers", "servers", post_filter=True)  # type: ignore[untyped-decorator]
    async def get(self, name: str) -> None:
        """Answer with what the operator says of it."""
        project, role = await self.project(name)
        self.write(json.dumps(view(project, role)))


class RepairHandler(_OfProject):
    """``/api/projects/NAME/repair``: have its files mended."""

    @needs_scope("servers", post_filter=True)  # type: ignore[untyped-decorator]
    async def post(self, name: str) -> None:
        """Ask for it; the operator does it, and the project says how far it is."""
        project, role = await self.project(name)
        if not role.writes:
            raise refusal(403, f"Only editors and admins of project '{name}' may have its files repaired.")
        if not project.repair_pending:
            try:
                await self.notebooks.repair(project, secrets.token_hex(_TOKEN_BYTES))
            except ClusterError as error:
                raise unavailable(error) from error
        self.set_status(HTTPStatus.ACCEPTED)
        asked = self.notebooks.view.project(name) or project
        self.write(json.dumps(view(asked, role)))


def view(project: Project, role: Role) -> dict[str, Any]:
    """A project as the API tells it; ``files.repaired`` is the last request that was carried out."""
    shared_files = project.status.condition(ConditionType.FILES_SHARED)
    return {
        "name": project.name,
        "display_name": project.display_name,
        "role": str(role),
        "message": project.status.message,
        "files": {
            "repairing": project.repair_pending,
            "shared": shared_files.status if shared_files else None,
            "message": shared_files.message if shared_files and not project.repair_pending else _WAIT,
        },
    }


_WAIT = "The files are being looked through."

HANDLERS = [
    (r"/api/projects/([^/]+)", ProjectHandler),
    (r"/api/projects/([^/]+)/repair", RepairHandler),
]
