"""In what phase a notebook is, why, and what to do about it: a chain of predicates over what is seen.

Every sentence is for the person who waits, and stays the same for as long as what it speaks of does: a count or
a time in it would be a write to the API server for every tick.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from carrel_operator import quantities
from carrel_operator.api import InstanceType, Phase, Reason
from carrel_operator.catalogue import Refusal
from carrel_operator.obstacles import obstacle
from carrel_operator.seen import PodSeen, Seen

_PULL_FAILURES = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable"}
)
_CONTAINER_REFUSALS = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError"}
)
_LACKING = re.compile(r"Insufficient ([\w./-]*\w)")
_FINISHED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """The phase, and the reason and sentence of the Ready condition."""

    phase: Phase
    reason: Reason
    message: str


def verdict(seen: Seen, problem: Refusal | None) -> Verdict:
    """What to say about a Notebook; ``problem`` is what Kubernetes answered when its children were applied."""
    if not seen.notebook.running:
        return _not_running(seen)
    for predicate in (_at_work, _exited, _obstructed):
        if found := predicate(seen):
            return found
    if problem:
        return Verdict(Phase.PENDING, problem.reason, problem.message)
    pod = seen.current_pod
    if pod is None:
        return _to_be_made(seen)
    for judge in _OF_A_POD:
        if found := judge(seen, pod):
            return found
    return _scheduling(seen)


def _not_running(seen: Seen) -> Verdict:
    if seen.pod is None and (why := seen.notebook.stopped_because):
        return Verdict(Phase.STOPPED, Reason.STOPPED_BY_ITSELF, why)
    if seen.pod is None:
        return Verdict(Phase.STOPPED, Reason.STOPPED, "The server is stopped.")
    return Verdict(Phase.STOPPING, Reason.STOPPING, "The server is stopping.")


def _at_work(seen: Seen) -> Verdict | None:
    pod = seen.current_pod
    if pod is None or not pod.running or pod.phase in _FINISHED:
        return None
    message = seen.notebook.locked_out or pod.notice or "The server is running."
    if seen.notebook.rescue:
        message = (
            "The server is running with an empty home for this once; your own is in its folder 'full-home'."
        )
    return Verdict(Phase.RUNNING, Reason.RUNNING, message)


def _exited(seen: Seen) -> Verdict | None:
    pod = seen.current_pod
    if pod is None or pod.phase != "Succeeded":
        return None
    return Verdict(
        Phase.STOPPED, Reason.SERVER_EXITED, "The server was shut down from within. Start it again to go on."
    )


def _obstructed(seen: Seen) -> Verdict | None:
    found = obstacle(seen)
    return Verdict(Phase.FAILED, found.reason, found.message) if found else None


def _to_be_made(seen: Seen) -> Verdict:
    if seen.pod is not None:
        return Verdict(
            Phase.PENDING,
            Reason.STOPPING,
            "The previous server is still stopping; the new one starts when it is gone.",
        )
    return Verdict(Phase.PENDING, Reason.SCHEDULING, "The server is being prepared.")


def _lost(_: Seen, pod: PodSeen) -> Verdict | None:
    if not pod.lost:
        return None
    return Verdict(
        Phase.PENDING,
        Reason.SCHEDULING,
        f"The node took the server away ({pod.reason}); a new one starts by itself, with the same files.",
    )


def _home_pending(seen: Seen, pod: PodSeen) -> Verdict | None:
    complaint = pod.unschedulable or ""
    about_volumes = re.search(r"persistent ?volume|storageclass", complaint, re.IGNORECASE)
    if pod.node or (seen.home_bound and not about_volumes) or (complaint and not about_volumes):
        return None
    claim = seen.home["metadata"]["name"] if seen.home else "home"
    # being made is no complaint: only what else the scheduler says is worth repeating
    why = (
        f": {_cause(complaint)}"
        if complaint and "unbound immediate" not in complaint
        else ", a few seconds at a first start"
    )
    return Verdict(
        Phase.PENDING,
        Reason.HOME_PENDING,
        f"The home '{claim}' waits for its disk{why}. "
        "If this lasts, ask an administrator to look at its storage class.",
    )


def _unschedulable(seen: Seen, pod: PodSeen) -> Verdict | None:
    if pod.node or pod.unschedulable is None:
        return None
    size = _size(pod.instance_type, seen.instance_type)
    if "pod affinity rules" in pod.unschedulable and len(seen.relatives) > 1:
        return Verdict(
            Phase.PENDING,
            Reason.UNSCHEDULABLE,
            f"The node of your other servers has no room for {size}, and servers of one home run side by side. "
            "Stop another server or choose a smaller size.",
        )
    lacking = ", ".join(sorted(set(_LACKING.findall(pod.unschedulable))))
    why = f"there is not enough {lacking}" if lacking else _cause(pod.unschedulable)
    return Verdict(
        Phase.PENDING,
        Reason.UNSCHEDULABLE,
        f"No node has room for {size}: {why}. Choose a smaller size, or wait if somebody is about to stop theirs.",
    )


def _image_pull_failed(seen: Seen, pod: PodSeen) -> Verdict | None:
    if pod.waiting not in _PULL_FAILURES:
        return None
    return Verdict(
        Phase.PENDING,
        Reason.IMAGE_PULL_FAILED,
        f"Image '{seen.notebook.image}' ({pod.image}) can't be fetched. "
        "Choose another image, or ask an administrator to check its name and the registry's password.",
    )


def _container_refused(_: Seen, pod: PodSeen) -> Verdict | None:
    if pod.waiting not in _CONTAINER_REFUSALS:
        return None
    return Verdict(
        Phase.PENDING,
        Reason.REFUSED,
        f"The node can't start the server: {_cause(pod.waiting_message or pod.waiting)}. Ask an administrator.",
    )


def _crashed(seen: Seen, pod: PodSeen) -> Verdict | None:
    if pod.end is None or pod.running:
        return None
    if pod.end.reason == "OOMKilled":
        limit = quantities.memory(str(pod.requested["limits"]["memory"]))
        return Verdict(
            Phase.FAILED,
            Reason.SERVER_FAILED,
            f"The server needed more memory than size '{seen.size_of_pod}' has ({limit}). Choose a larger size.",
        )
    words = f": {pod.end.last_words.rstrip('.')}" if pod.end.last_words else ""
    return Verdict(
        Phase.FAILED,
        Reason.SERVER_FAILED,
        f"The server stopped with exit code {pod.end.exit_code}{words}. Start it again, or choose another image.",
    )


def _failed(_: Seen, pod: PodSeen) -> Verdict | None:
    if pod.phase != "Failed":
        return None
    why = f" ({pod.reason})" if pod.reason else ""
    return Verdict(Phase.FAILED, Reason.SERVER_FAILED, f"The server failed{why}. Start it again.")


def _starting(_: Seen, pod: PodSeen) -> Verdict | None:
    if not pod.node:
        return None
    return Verdict(
        Phase.STARTING,
        Reason.STARTING,
        f"Node '{pod.node}' starts the server, and fetches its image if it is new there.",
    )


def _scheduling(seen: Seen) -> Verdict:
    size = _size(seen.notebook.instance_type, seen.instance_type)
    return Verdict(Phase.PENDING, Reason.SCHEDULING, f"Looking for a node with room for {size}.")


_OF_A_POD: tuple[Callable[[Seen, PodSeen], Verdict | None], ...] = (
    _lost,
    _home_pending,
    _unschedulable,
    _image_pull_failed,
    _container_refused,
    _crashed,
    _failed,
    _starting,
)


def _size(name: str, size: InstanceType | None) -> str:
    """``size 'huge' (64 CPU, 256 GiB)``; the figures are those that the scheduler looks for room for."""
    if size is None or size.name != name:
        return f"size '{name}'"
    figures = [quantities.cores(size.cpu.request), quantities.memory(size.memory.request)]
    if size.gpu:
        figures.append(f"{size.gpu.count} {size.gpu.resource}")
    return f"size '{name}' ({', '.join(figures)})"


def _cause(message: str) -> str:
    """The first sentence of Kubernetes' own words, without the count of nodes that would change with every node."""
    cause = re.sub(r"^\d+/\d+ nodes are available: ", "", message).split(". ", maxsplit=1)[0]
    return re.sub(r"\s+", " ", cause).strip(" .")[:300]
