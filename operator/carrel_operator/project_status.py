"""What to say of a Project: its conditions, one sentence, and the facts beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from carrel_operator import api
from carrel_operator.api import Condition, ConditionType, ProjectStatus, Reason
from carrel_operator.conditions import dated
from carrel_operator.desired.expansion import actual_size
from carrel_operator.files_verdict import files_shared
from carrel_operator.project_seen import ProjectSeen
from carrel_operator.quantities import memory
from carrel_operator.repository_verdict import repository_cloned
from carrel_operator.volume_verdict import claim_phase, growth


@dataclass(frozen=True, slots=True)
class Said:
    """What else there is to say of a Project."""

    problem: str | None  # half a sentence about what was refused
    principal: str
    people: Mapping[int, str]  # by their number


def project_status(seen: ProjectSeen, said: Said, now: datetime) -> ProjectStatus:
    """The whole status."""
    project, claim = seen.project, seen.claim
    ready = _ready(seen, said.problem)
    more = filter(None, (files_shared(seen, said.people), repository_cloned(seen)))
    generation = project.metadata.generation
    mine = claim is not None and not seen.of_a_former_project
    return ProjectStatus(
        message=ready.message,
        observed_generation=generation,
        gid=seen.number,
        members=len(project.members),
        principal=said.principal,
        claim=claim["metadata"]["name"] if claim and mine else "",
        claim_phase=claim_phase(claim) if claim and mine else "",
        size=actual_size(claim) if claim and mine else "",
        repaired=seen.repaired if mine else "",
        conditions=dated((ready, *more), project.status.conditions, generation, now),
    )


def invalid(previous: ProjectStatus, generation: int, complaint: str, now: datetime) -> ProjectStatus:
    """The status of a Project that can't be read at all, which the CRD's schema normally prevents."""
    message = f"This project's spec can't be used: {complaint}. Correct it with kubectl edit."
    ready = Condition(ConditionType.READY, status=False, reason=Reason.INVALID_SPEC, message=message)
    conditions = dated((ready,), previous.conditions, generation, now)
    return replace(previous, message=message, observed_generation=generation, conditions=conditions)


def _ready(seen: ProjectSeen, problem: str | None) -> Condition:
    status, reason, message = _said(seen, problem)
    return Condition(ConditionType.READY, status=status, reason=reason, message=message)


def _said(seen: ProjectSeen, problem: str | None) -> tuple[bool, Reason, str]:
    claim = seen.claim
    if claim is None:
        why = f" {problem[0].upper()}{problem[1:]}." if problem else ""
        return False, Reason.VOLUME_PENDING, f"The volume is being made.{why}"
    name, namespace = claim["metadata"]["name"], seen.project.metadata.namespace
    if seen.of_a_former_project:
        uid = f"{api.PROJECT_UID_ANNOTATION}={seen.project.metadata.uid}"
        message = (
            f"The volume '{name}' holds the files of a former project of that name. "
            f"To hand them to this one: kubectl annotate pvc {name} -n {namespace} --overwrite {uid}. "
            f"To delete them: kubectl delete pvc {name} -n {namespace}."
        )
        return False, Reason.VOLUME_OF_FORMER_PROJECT, message
    if seen.being_deleted:
        message = (
            f"The volume '{name}' was deleted by hand and goes when the last server that mounts it stops; "
            "a new, empty one is made then. Copy out what you need."
        )
        return False, Reason.VOLUME_PENDING, message
    if not seen.prepared:
        step = "is being prepared" if seen.bound else "waits for its disk"
        why = f"; {problem}" if problem else ""
        message = f"The volume '{name}' {step}{why}. If this lasts, look at: kubectl describe pvc {name} -n {namespace}."
        return False, Reason.VOLUME_PENDING, message
    growing = growth(claim)
    also = f"; {problem}" if problem else f" and {growing}" if growing else ""
    return True, Reason.READY, f"The volume '{name}' of {memory(actual_size(claim))} is ready{also}."
