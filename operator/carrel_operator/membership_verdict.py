"""What to say of the projects that a server has: those it mounts, those that come, and those it may not have."""

from carrel_operator import names
from carrel_operator.api import Condition, ConditionType, MountedProject, Reason
from carrel_operator.desired.membership import has_too_much
from carrel_operator.obstacles import team_obstacle
from carrel_operator.seen import Seen


def membership_valid(seen: Seen) -> Condition:
    """The condition MembershipValid."""
    kind = ConditionType.MEMBERSHIP_VALID
    if found := team_obstacle(seen):
        return Condition(kind, status=False, reason=found.reason, message=found.message)
    if has_too_much(seen):
        message = (
            "Its owner has left a project or may only read there now: the server is restarted without it."
        )
        return Condition(kind, status=False, reason=Reason.NOT_A_MEMBER, message=message)
    return Condition(kind, status=True, reason=Reason.MEMBER, message=" ".join(_sentences(seen)))


def mounted(seen: Seen) -> tuple[MountedProject, ...]:
    """The projects whose files the server has, by name."""
    pod, prefix = seen.own_pod, names.project_volume("")
    claims = sorted(pod.projects.items()) if pod else ()
    return tuple(MountedProject(claim.removeprefix(prefix), writable) for claim, writable in claims)


def _sentences(seen: Seen) -> list[str]:
    if seen.team:
        return [f"The server of project '{seen.team.project.name}'."]
    if not seen.memberships:
        return ["The owner is a member of no project."]
    there = {each.name: each.writable for each in mounted(seen)}
    said = ", ".join(f"{each.project} ({each.role})" for each in seen.memberships)
    coming = [
        each.project
        for each in seen.memberships
        if seen.own_pod and (each.project not in there or (each.role.writes and not there[each.project]))
    ]
    found = [f"Projects: {said}."]
    return [*found, f"At the next start: {', '.join(coming)}."] if coming else found
