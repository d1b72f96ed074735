"""What a person is told of their projects, and who may work in which project's own server.

A project's own server belongs to a hub user of its own, ``project:<name>``, whom nobody can sign in as. Members open it
by JupyterHub's roles, under their own names. Only who may change the project's files may: whoever can open a Jupyter
server runs code as it, so for viewers there is nothing between "may open" and "may write"
(docs/decisions/0012-team-servers.md).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from carrel_operator import names
from carrel_operator.api import Project, Role

ROLE_PREFIX = "carrel-project-"  # of JupyterHub's roles that are made here; all others are left alone

VIEWERS_READ_ELSEWHERE = (
    "Viewers read the files from their own server, in ~/projects; this one would let them write."
)


@dataclass(frozen=True, slots=True)
class Team:
    """One project as one of its members sees it."""

    name: str
    display_name: str
    role: Role
    members: int  # entries of the list: people and groups
    size: str  # of the volume, as a Kubernetes quantity; empty until it is there
    message: str  # the operator's sentence about the volume
    ready: bool  # whether the volume is there
    user: str  # the hub user whose server the project's is

    @property
    def may_open(self) -> bool:
        """Whether this member may start, open, resize and stop the project's server."""
        return self.role.writes

    @property
    def why_not(self) -> str:
        """The sentence for who may not."""
        return "" if self.may_open else VIEWERS_READ_ELSEWHERE

    @property
    def open_path(self) -> str:
        """Where the server is, below the hub's base URL; a page that offers to start it when it doesn't run."""
        return f"user/{_quoted(self.user)}/"

    @property
    def start_path(self) -> str:
        """The page on which it is started, below the hub's base URL."""
        return f"hub/spawn/{_quoted(self.user)}"


def teams_of(projects: Iterable[Project], person: str, groups: Collection[str]) -> tuple[Team, ...]:
    """The projects that a person belongs to, by name or by one of these groups, in the order of their names."""
    found = ((project, project.role_of(person, groups)) for project in projects)
    teams = (_team(project, role) for project, role in found if role)
    return tuple(sorted(teams, key=lambda team: team.name))


def may_open(project: Project, person: str, groups: Collection[str]) -> bool:
    """Whether a person may work in the project's own server."""
    role = project.role_of(person, groups)
    return role is not None and role.writes


def role_of(project: Project, people: Collection[str], groups: Collection[str]) -> dict[str, Any]:
    """The role that lets members in, as JupyterHub's ``load_roles`` takes it, for those whom the hub knows."""
    user = names.team(project.name)
    may = [each for each in project.members if each.role.writes]
    return {
        "name": f"{ROLE_PREFIX}{project.name}",
        "description": f"Work in the server of project {project.name}",
        "scopes": [f"access:servers!user={user}", f"servers!user={user}"],
        "users": sorted({each.user for each in may} & set(people)),
        "groups": sorted({each.group for each in may} & set(groups)),
    }


def _team(project: Project, role: Role) -> Team:
    status = project.status
    return Team(
        name=project.name,
        display_name=project.display_name,
        role=role,
        members=len(project.members),
        size=status.size,
        message=status.message,
        ready=any(each.type == "Ready" and each.status for each in status.conditions),
        user=names.team(project.name),
    )


def _quoted(user: str) -> str:
    return quote(user, safe="@~")  # as JupyterHub does
