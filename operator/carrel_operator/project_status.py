"""What to say of a Project: one condition, one sentence, and the facts beside them."""

from dataclasses import replace
from datetime import datetime

from carrel_operator import api
from carrel_operator.api import Condition, ConditionType, ProjectStatus, Reason
from carrel_operator.conditions import dated
from carrel_operator.desired.expansion import actual_size
from carrel_operator.project_seen import ProjectSeen
from carrel_operator.quantities import memory
from carrel_operator.volume_verdict import claim_phase, growth


def project_status(seen: ProjectSeen, problem: str | None, now: datetime) -> ProjectStatus:
    """The whole status; ``problem`` is half a sentence about what was refused."""
    project, claim = seen.project, seen.claim
    ready = _ready(seen, problem)
    generation = project.metadata.generation
    mine = claim is not None and not seen.of_a_former_project
    return ProjectStatus(
        message=ready.message,
        observed_generation=generation,
        gid=seen.number,
        members=len(project.members),
        claim=claim["metadata"]["name"] if claim and mine else "",
        claim_phase=claim_phase(claim) if claim and mine else "",
        size=actual_size(claim) if claim and mine else "",
        conditions=dated((ready,), project.status.conditions, generation, now),
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
    if not seen.prepared:
        step = "is being prepared" if seen.bound else "waits for its disk"
        why = f"; {problem}" if problem else ""
        message = f"The volume '{name}' {step}{why}. If this lasts, look at: kubectl describe pvc {name} -n {namespace}."
        return False, Reason.VOLUME_PENDING, message
    size = memory(actual_size(claim))
    if problem:
        return True, Reason.READY, f"The volume '{name}' of {size} is ready; {problem}."
    if growing := growth(claim):
        return True, Reason.READY, f"The volume '{name}' of {size} is ready and {growing}."
    return True, Reason.READY, f"The volume '{name}' of {size} is ready."
