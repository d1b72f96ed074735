"""What the home page shows of one project: who belongs to it, where its files are and how full, and its own server."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from carrel_hub import desks, money
from carrel_hub.projects import VIEWERS_READ_ELSEWHERE
from carrel_operator import names
from carrel_operator.api import DiskUse, Member, Notebook, Phase, Project, Role, Volume
from carrel_operator.catalogue import Catalogue

_ROLES = {
    Role.VIEWER: "You may read the files.",
    Role.EDITOR: "You may change the files.",
    Role.ADMIN: "You may change the files and administer the project's desk.",
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: a person, their groups, and their own servers by what the page calls them."""

    name: str
    groups: Collection[str] = ()
    desks: Sequence[tuple[str, Notebook]] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else is there: everybody's servers, and what they may be."""

    notebooks: Sequence[Notebook]
    catalogue: Catalogue
    currency: str


def mine(projects: Iterable[Project], viewer: Viewer) -> tuple[Project, ...]:
    """The projects that the person belongs to, by their names."""
    found = (each for each in projects if each.role_of(viewer.name, viewer.groups))
    return tuple(sorted(found, key=lambda each: each.name))


def view(project: Project, viewer: Viewer, desk: dict[str, Any], around: Surroundings) -> dict[str, Any]:
    """Everything that the page needs; ``desk`` is the row of the project's own server, of which a viewer gets little."""
    role = project.role_of(viewer.name, viewer.groups) or Role.VIEWER
    price = price_now(project, around)
    return {
        **(
            desk
            if role.writes
            else {name: each for name, each in desk.items() if not name.startswith("can_")}
        ),
        "key": f"project {project.name}",  # no Notebook's name has a space
        "kind": "project",
        "title": project.display_name,
        "size_of": f"Size of the desk of {project.display_name}",
        "name": project.name,
        "role": str(role),
        "role_text": _ROLES[role],
        "why_not": "" if role.writes else VIEWERS_READ_ELSEWHERE,
        "may_work": role.writes,
        "stops_text": desk["stops_text"] if role.writes else "",
        "complaints": _complaints(project) + (desk["notices"] if role.writes else []),
        "folder": f"~/projects/{project.name}",
        "folder_text": _where(project, viewer, role),
        "space": desks.disk(_volume(project), use(project, around.notebooks)),
        "members": [_member(each) for each in _by_role(project.members)],
        "members_text": _count(project.members),
        "cost_text": f"{money.per_hour(price, around.currency)}" if price else "Nothing runs for it.",
    }


def price_now(project: Project, around: Surroundings) -> float:
    """What an hour of all that runs for the project costs now."""
    owner = names.team(project.name)
    return sum(desks.price_now(each, around.catalogue) for each in around.notebooks if each.owner == owner)


def use(project: Project, everybodys: Iterable[Notebook]) -> DiskUse | None:
    """How full the volume is, as some server said; one that runs knows better than one that ran."""
    told = [each for each in everybodys if project.name in each.project_use]
    told.sort(key=lambda each: each.running)
    return told[-1].project_use[project.name] if told else None


def _volume(project: Project) -> Volume | None:
    status = project.status
    return Volume(project.name, status.claim, status.claim_phase, status.size) if status.claim else None


def _complaints(project: Project) -> list[str]:
    """The operator's sentences about what is not as it should be."""
    found = [each.message for each in project.status.conditions if not each.status]
    return found or ([] if project.status.conditions else ["The project is being made."])


def _where(project: Project, viewer: Viewer, role: Role) -> str:
    """Whether the files are in the servers that the person has running."""
    running = [(title, each) for title, each in viewer.desks if desks.phase_of(each) is Phase.RUNNING]
    if not running:
        return "in every desk that you start"
    lacking = [title for title, each in running if not _has(each, project, role)]
    if not lacking:
        return "in your desk" if len(running) == 1 else "in each of your desks"
    return f"there at the next start of {', '.join(lacking)}"


def _has(notebook: Notebook, project: Project, role: Role) -> bool:
    return any(
        each.name == project.name and (each.writable or not role.writes) for each in notebook.status.projects
    )


def _by_role(members: Iterable[Member]) -> list[Member]:
    """Those who may most come first."""
    return sorted(members, key=lambda each: (-each.role.rank, each.user or each.group))


def _member(member: Member) -> str:
    return f"{member.user or f'group {member.group}'}, {member.role}"


def _count(members: Sequence[Member]) -> str:
    """``3 people``, ``1 person and 2 groups``."""
    groups = sum(1 for each in members if each.group)
    people = len(members) - groups
    parts = [f"{people} {'person' if people == 1 else 'people'}"] if people else []
    parts += [f"{groups} {'group' if groups == 1 else 'groups'}"] if groups else []
    return " and ".join(parts)
