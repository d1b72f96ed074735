"""How far the size that the spec names is the size of the running server: a chain of predicates over what is seen.

Like every sentence of a status, these stay the same for as long as what they speak of does.
"""

import re
from collections.abc import Callable

from carrel_operator import quantities
from carrel_operator.api import InstanceType, Reason, Resize, ResizeState
from carrel_operator.catalogue import Refusal
from carrel_operator.desired.resize import has_size, size_refused, waits_for_next_start
from carrel_operator.resizing import restart_reason
from carrel_operator.seen import PodSeen, Seen

_SHORT_OF = re.compile(r"(cpu|memory), requested: (\d+)")
_HAS_AT_MOST = re.compile(r"(cpu|memory), requested: \d+, (?:allocatable|capacity): (\d+)")
_CURRENT_USAGE = re.compile(r"current usage \((\d+)\)")
_IN_USE = re.compile(r"^[\d.]+ \w+ are in use")


def resize_verdict(seen: Seen, refused: Refusal | None) -> Resize | None:
    """What to say about the size of the pod that exists; ``refused`` is Kubernetes' answer to the resize."""
    pod, size = seen.own_pod, seen.instance_type
    if pod is None:
        return None
    if size is None or size_refused(seen):
        why = seen.refusal.message if seen.refusal else ""
        reason = seen.refusal.reason if seen.refusal else Reason.UNKNOWN_INSTANCE_TYPE
        return Resize(ResizeState.REFUSED, reason, f"{why} The server goes on as it is.".strip())
    if not has_size(pod, size):
        return _not_asked(seen, pod, size, refused)
    for predicate in _OF_A_RESIZE:
        if found := predicate(pod, size):
            return _unless_only_usage_changed(seen.notebook.status.resize, found)
    return _under_way(size)


def kubernetes_refusal(message: str, node: str) -> Refusal:
    """Kubernetes' refusal of a resize, in a sentence for the person; ``message`` is its own."""
    if "allocatable" in message:
        return Refusal(Reason.NODE_TOO_SMALL, _too_small(message, node))
    if "exceeded quota" in message:
        used_up = message.partition("exceeded quota: ")[2]
        return Refusal(
            Reason.QUOTA_EXCEEDED,
            f"The quota for notebooks is used up ({used_up}). The server goes on as it is; "
            "choose a smaller size, or wait until others stop theirs.",
        )
    return Refusal(Reason.REFUSED, f"Kubernetes refused the size: {message}. The server goes on as it is.")


def _not_asked(seen: Seen, pod: PodSeen, size: InstanceType, refused: Refusal | None) -> Resize:
    if pod is not seen.current_pod or not seen.notebook.running or pod.phase in {"Succeeded", "Failed"}:
        return Resize(
            ResizeState.PENDING,
            Reason.RESTART_NEEDED,
            f"Size '{size.name}' applies at the next start.",
        )
    if waits_for_next_start(seen):
        return Resize(
            ResizeState.PENDING,
            Reason.RESTART_NEEDED,
            f"An administrator changed size '{size.name}'; the change applies at the next start.",
        )
    if why := restart_reason(pod.requested, pod.node_selector, size):
        return Resize(ResizeState.INFEASIBLE, Reason.RESTART_NEEDED, why)
    if refused:
        hopeless = refused.reason is Reason.NODE_TOO_SMALL
        state = ResizeState.INFEASIBLE if hopeless else ResizeState.REFUSED
        return Resize(state, refused.reason, refused.message)
    if not pod.running:
        return Resize(
            ResizeState.IN_PROGRESS,
            Reason.RESIZING,
            f"Size '{size.name}' is applied as soon as the server runs.",
        )
    return _under_way(size)


def _applied(pod: PodSeen, size: InstanceType) -> Resize | None:
    in_force = not pod.running or _same_memory(pod, size)
    if pod.resize or not pod.caught_up or not in_force:
        return None
    return Resize(ResizeState.APPLIED, Reason.APPLIED, f"Size '{size.name}' is in force.")


def _deferred(pod: PodSeen, _: InstanceType) -> Resize | None:
    if pod.resize is None or pod.resize.reason != "Deferred":
        return None
    short_of = " and ".join(_amount(*each) for each in _SHORT_OF.findall(pod.resize.message))
    return Resize(
        ResizeState.DEFERRED,
        Reason.NODE_FULL,
        f"Waiting for room for {short_of or 'this size'} on node '{pod.node}'; "
        "it will be applied by itself. Restart to look for room elsewhere.",
    )


def _infeasible(pod: PodSeen, _: InstanceType) -> Resize | None:
    if pod.resize is None or pod.resize.reason != "Infeasible":
        return None
    return Resize(ResizeState.INFEASIBLE, Reason.NODE_TOO_SMALL, _too_small(pod.resize.message, pod.node))


def _failing(pod: PodSeen, size: InstanceType) -> Resize | None:
    if pod.resize is None or not pod.resize.reason:
        return None
    if "below current usage" not in pod.resize.message:
        return Resize(
            ResizeState.REFUSED,
            Reason.REFUSED,
            f"Node '{pod.node}' could not apply size '{size.name}' and tries again by itself; "
            "the server goes on as it is. Ask an administrator if this lasts.",
        )
    used = max((int(each) for each in _CURRENT_USAGE.findall(pod.resize.message)), default=0)
    in_use = f"{quantities.memory(str(used))} are in use" if used else "More is in use"
    return Resize(
        ResizeState.REFUSED,
        Reason.MEMORY_IN_USE,
        f"{in_use}, and size '{size.name}' has {quantities.memory(size.memory.limit)}: "
        "free some memory, and it will be applied by itself; or restart.",
    )


_OF_A_RESIZE: tuple[Callable[[PodSeen, InstanceType], Resize | None], ...] = (
    _applied,
    _deferred,
    _infeasible,
    _failing,
)


def _under_way(size: InstanceType) -> Resize:
    return Resize(ResizeState.IN_PROGRESS, Reason.RESIZING, f"Size '{size.name}' is being applied.")


def _unless_only_usage_changed(before: Resize | None, now: Resize) -> Resize:
    """The kubelet measures again every few seconds for as long as it is refused, and each figure would be a write."""
    if before and now.reason is Reason.MEMORY_IN_USE and before.reason is now.reason:
        return before if _IN_USE.sub("", before.message) == _IN_USE.sub("", now.message) else now
    return now


def _same_memory(pod: PodSeen, size: InstanceType) -> bool:
    actual = pod.actual.get("memory")
    return actual is not None and quantities.number(actual) == quantities.number(size.memory.limit)


def _too_small(message: str, node: str) -> str:
    found = _HAS_AT_MOST.search(message)
    has = f"has {_amount(*found.groups())} for servers at most" if found else "is too small"
    return f"Node '{node}' {has}: restart to move to a larger node, or choose a smaller size."


def _amount(resource: str, number: str) -> str:
    """``memory``, bytes or ``cpu``, thousandths of a core, as the kubelet counts them."""
    return quantities.cores(f"{number}m") if resource == "cpu" else f"{quantities.memory(number)} of memory"
