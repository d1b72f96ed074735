"""A Notebook's status, computed from what is seen and never remembered."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from carrel_operator import api, idle
from carrel_operator.api import (
    Condition,
    ConditionType,
    Phase,
    Reason,
    Resize,
    ResizeState,
    Resources,
    Status,
)
from carrel_operator.api.times import stamp
from carrel_operator.catalogue import Refusal
from carrel_operator.conditions import dated
from carrel_operator.desired.resize import has_size
from carrel_operator.membership_verdict import membership_valid, mounted
from carrel_operator.resize_verdict import resize_verdict
from carrel_operator.resizing import resources as resources_of
from carrel_operator.seen import Seen
from carrel_operator.settings import IdentityMode, Settings
from carrel_operator.verdict import Verdict, verdict
from carrel_operator.volume_verdict import volumes, volumes_ready

# States that usually last some milliseconds are not worth a write unless they last.
_FLEETING_SECONDS = 1.0
_OFTEN_OVERTAKEN = frozenset({Reason.STOPPED, Reason.UNKNOWN_INSTANCE_TYPE, Reason.UNKNOWN_IMAGE})


@dataclass(frozen=True, slots=True)
class Answers:
    """What Kubernetes said no to, as far as a person should know."""

    children: Refusal | None = None
    resize: Refusal | None = None
    home: str | None = None  # half a sentence


def status(seen: Seen, settings: Settings, answers: Answers, now: datetime) -> Status:
    """The whole status."""
    notebook, pod = seen.notebook, seen.own_pod
    found, resize = verdict(seen, answers.children), resize_verdict(seen, answers.resize)
    started_at = pod.started_at if pod and found.phase is Phase.RUNNING else ""
    conditions = (
        _ready(found),
        volumes_ready(seen, answers.home),
        _identity_ready(seen, settings),
        _resources_applied(seen, resize),
        membership_valid(seen),
    )
    return Status(
        phase=found.phase,
        message=found.message,
        observed_generation=notebook.metadata.generation,
        conditions=dated(conditions, notebook.status.conditions, notebook.metadata.generation, now),
        url=_url(seen, settings),
        session=pod.session if pod else "",
        node=pod.node if pod else "",
        image=pod.image if pod else "",
        instance_type=_instance_type(seen),
        principal=_principal(seen, settings),
        resources=_resources(seen, at_work=found.phase is Phase.RUNNING),
        resize=resize,
        memory_limit=_memory_limit(seen),
        started_at=started_at,
        will_stop_at=_will_stop_at(seen, settings, started_at),
        volumes=volumes(seen),
        projects=mounted(seen),
    )


def invalid(metadata: api.Metadata, previous: Status, complaint: str, now: datetime) -> Status:
    """The status of a Notebook that can't be read at all, which the CRD's schema normally prevents."""
    message = f"This notebook's spec can't be used: {complaint}. Correct it with kubectl edit."
    ready = Condition(ConditionType.READY, status=False, reason=Reason.INVALID_SPEC, message=message)
    return Status(
        phase=Phase.FAILED,
        message=message,
        observed_generation=metadata.generation,
        conditions=dated((ready,), previous.conditions, metadata.generation, now),
    )


def fleeting(seen: Seen, new: Status) -> float | None:
    """For how many seconds this status should still be held back, or None to write it now.

    A Notebook that was just created stopped is started in the next moment by whoever made it; a pod that was
    just created gets its node, or the scheduler's complaint, in a few milliseconds; and that the home has its
    disk and that the pod has its node is one piece of news that two objects tell. A size that was made just
    before may be seen just after. Most resizes are done before anybody could read that they began.
    """
    pod = seen.pod
    if pod and _only_resizes(seen.notebook.status, new):
        age = pod.settled
    elif seen.notebook.status.phase is None and new.reason in _OFTEN_OVERTAKEN:
        age = seen.age
    elif pod is None or new.reason not in {Reason.SCHEDULING, Reason.HOME_PENDING, Reason.STARTING}:
        return None
    elif pod.node and not seen.home_bound:
        age = pod.settled
    elif not pod.node and seen.home_bound and seen.home_settled < pod.age:
        age = seen.home_settled
    elif pod.unschedulable is None and not pod.node:
        age = pod.age
    else:
        return None
    return _FLEETING_SECONDS - age if age < _FLEETING_SECONDS else None


def _only_resizes(before: Status, new: Status) -> bool:
    begins = new.resize is not None and new.resize.state is ResizeState.IN_PROGRESS
    return begins and before.resize != new.resize and before.reason is new.reason is Reason.RUNNING


def _ready(found: Verdict) -> Condition:
    return Condition(
        ConditionType.READY, status=found.phase is Phase.RUNNING, reason=found.reason, message=found.message
    )


def _identity_ready(seen: Seen, settings: Settings) -> Condition:
    kind = ConditionType.IDENTITY_READY
    if settings.identity.mode is IdentityMode.NONE:
        return Condition(kind, status=True, reason=Reason.ISSUED, message="No warehouse is configured.")
    if seen.service_account is None:
        return Condition(
            kind,
            status=False,
            reason=Reason.IDENTITY_PENDING,
            message="The identity is made at the first start.",
        )
    if seen.own_pod and (why := seen.notebook.locked_out):
        return Condition(kind, status=False, reason=Reason.IDENTITY_NOT_READY, message=why)
    message = f"The warehouse knows this notebook as {_principal(seen, settings)}."
    return Condition(kind, status=True, reason=Reason.ISSUED, message=message)


def _resources_applied(seen: Seen, resize: Resize | None) -> Condition:
    kind = ConditionType.RESOURCES_APPLIED
    if resize is None:
        message = f"Size '{seen.notebook.instance_type}' applies at the next start."
        return Condition(kind, status=False, reason=Reason.STOPPED, message=message)
    applied = resize.state is ResizeState.APPLIED
    return Condition(kind, status=applied, reason=resize.reason, message=resize.message)


def _instance_type(seen: Seen) -> str:
    """The size that the pod was last asked to be."""
    pod, size = seen.own_pod, seen.instance_type
    return size.name if pod and size and has_size(pod, size) else seen.size_of_pod


def _url(seen: Seen, settings: Settings) -> str:
    address = seen.service["spec"].get("clusterIP", "") if seen.service else ""
    if not address or address == "None":
        return ""
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{settings.notebook.port}"


def _principal(seen: Seen, settings: Settings) -> str:
    if settings.identity.mode is IdentityMode.NONE or seen.service_account is None:
        return ""
    return settings.identity.principal_of(seen.notebook.metadata.namespace, seen.principal.service_account)


def _resources(seen: Seen, *, at_work: bool) -> Resources:
    size, pod = seen.instance_type, seen.own_pod if at_work else None
    return Resources(
        requested=resources_of(size)["limits"] if size else {},
        allocated=_cpu_and_memory(pod.allocated) if pod else {},
        actual=_cpu_and_memory(pod.actual) if pod else {},
    )


def _cpu_and_memory(resources: Any) -> dict[str, str]:  # noqa: ANN401
    return {name: str(resources[name]) for name in ("cpu", "memory") if name in resources}


def _will_stop_at(seen: Seen, settings: Settings, started_at: str) -> str:
    notebook = replace(seen.notebook, status=replace(seen.notebook.status, started_at=started_at))
    stop = idle.planned(notebook, seen.instance_type, settings.cull)
    return stamp(stop.at) if stop else ""


def _memory_limit(seen: Seen) -> str:
    """The limit in force, or the one that will be."""
    if pod := seen.own_pod:
        return str(pod.actual.get("memory") or pod.requested.get("limits", {}).get("memory", ""))
    return seen.instance_type.memory.limit if seen.instance_type else ""
