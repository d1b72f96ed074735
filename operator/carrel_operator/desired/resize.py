"""What a running pod should be asked to become, where its size can be changed while the kernels live."""

from dataclasses import dataclass

from carrel_operator.api import Body, ChangePolicy, InstanceType, Reason
from carrel_operator.resizing import in_place, resources, restart_reason, same
from carrel_operator.seen import PodSeen, Seen

SIZE_REFUSALS = frozenset({Reason.UNKNOWN_INSTANCE_TYPE, Reason.INSTANCE_TYPE_FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Resize:
    """Resources to ask for; a person's own wish goes first, an admin's change for many takes its turn."""

    resources: Body
    takes_turns: bool


def resize(seen: Seen) -> Resize | None:
    """The resize that this Notebook's pod needs now, or None."""
    pod, size = seen.current_pod, seen.instance_type
    if pod is None or size is None or not pod.running or size_refused(seen) or has_size(pod, size):
        return None
    if waits_for_next_start(seen) or restart_reason(pod.requested, pod.node_selector, size):
        return None
    return Resize(in_place(size), takes_turns=_changed_by_admin(seen))


def has_size(pod: PodSeen, size: InstanceType) -> bool:
    """Whether the pod asks for the figures that the size has now, whatever the size was called then."""
    return same(pod.requested, resources(size))


def size_refused(seen: Seen) -> bool:
    """Whether the owner may not have the size that the spec names, or nobody may."""
    return seen.refusal is not None and seen.refusal.reason in SIZE_REFUSALS


def waits_for_next_start(seen: Seen) -> bool:
    """Whether the admin changed the size, and wants running servers left as they are."""
    size = seen.instance_type
    return size is not None and size.apply_changes is ChangePolicy.NEXT_START and _changed_by_admin(seen)


def _changed_by_admin(seen: Seen) -> bool:
    """Whether the figures of the size changed under a Notebook that goes on naming the same one."""
    return seen.size_of_pod == seen.notebook.instance_type
