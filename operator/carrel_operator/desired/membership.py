"""Which projects a server mounts, and what happens to one that mounts more than its owner may have."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from carrel_operator.project_seen import FILES, Membership
from carrel_operator.seen import PROJECT_VOLUME, Seen

# Not below the home, where a mount would leave an empty folder behind for ever; images/notebook links ~/projects here.
PROJECTS_PATH = "/projects"


@dataclass(frozen=True, slots=True)
class Mountable:
    """A project that is ready, and may be mounted."""

    project: str
    gid: int
    claim: str
    writable: bool


def mountable(memberships: Iterable[Membership]) -> tuple[Mountable, ...]:
    """The projects among them whose volume is ready."""
    return tuple(
        Mountable(each.project, each.gid, each.claim, each.role.writes)
        for each in memberships
        if each.gid is not None
    )


def project_volumes(projects: Iterable[Mountable]) -> list[dict[str, Any]]:
    """The pod's volumes; the name of a project may be too long for a volume's, its number never is."""
    return [
        {"name": f"{PROJECT_VOLUME}{each.gid}", "persistentVolumeClaim": {"claimName": each.claim}}
        for each in projects
    ]


def project_mounts(projects: Iterable[Mountable]) -> list[dict[str, Any]]:
    """A viewer's mount can't be written to, whoever owns a file."""
    return [
        {
            "name": f"{PROJECT_VOLUME}{each.gid}",
            "mountPath": f"{PROJECTS_PATH}/{each.project}",
            "subPath": FILES,
            **({} if each.writable else {"readOnly": True}),
        }
        for each in projects
    ]


def has_too_much(seen: Seen) -> bool:
    """Whether the pod has what its owner may not have, or no longer.

    It mounts a project that they have left, or may write where they may only read now; or it runs as a project that
    was deleted and made again under the same name.
    """
    if seen.own_pod is None:
        return False
    if seen.team and seen.own_pod.service_account != seen.principal.service_account:
        return True
    allowed = {each.claim: each.role.writes for each in seen.memberships}
    return any(
        claim not in allowed or (writable and not allowed[claim])
        for claim, writable in seen.own_pod.projects.items()
    )


def membership_notice(seen: Seen) -> str:
    """Why a pod is made anew while the person was at work: what the one before it mounted and this one may not."""
    status = seen.notebook.status
    if seen.notebook.notice:
        return seen.notebook.notice
    if not status.session or status.session != seen.notebook.session:
        return ""
    roles = {each.project: each.role for each in seen.memberships}
    left = [each.name for each in status.projects if each.name not in roles]
    lowered = [
        each.name
        for each in status.projects
        if each.writable and each.name in roles and not roles[each.name].writes
    ]
    why = [f"you are no longer a member of {_named(left)}"] if left else []
    why += [f"you may only read in {_named(lowered)} now"] if lowered else []
    return f"The server was restarted, because {' and '.join(why)}. Files are kept." if why else ""


def _named(projects: list[str]) -> str:
    quoted = [f"'{each}'" for each in projects]
    return f"project {quoted[0]}" if len(quoted) == 1 else f"the projects {', '.join(quoted)}"
