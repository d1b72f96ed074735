"""When a running pod is asked to take on another size, and every answer that Kubernetes may give, in a sentence."""

from dataclasses import replace
from typing import Any

import pytest

from carrel_operator import resizing
from carrel_operator.api import Body, ChangePolicy, Reason, Resize, ResizeState, Status
from carrel_operator.catalogue import Refusal
from carrel_operator.desired import PodFate, desired_set
from carrel_operator.desired.resize import resize
from carrel_operator.resize_verdict import kubernetes_refusal, resize_verdict
from carrel_operator.seen import Seen
from unit.operator.worlds import CATALOGUE, HUGE, MEDIUM, PLAIN, SMALL, container, notebook, pod, seen

LIVE = {"requests": {"cpu": "200m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}}
FULL = "Node didn't have enough resource: memory, requested: 6442450944, used: 21618491392, capacity: 25276514304"
TOO_BIG = "Node didn't have enough capacity: memory, requested: 26324500480, capacity: 25276514304"
IN_USE = (
    "cannot decrease memory limits: [attempting to set pod memory limit (104857600) below current usage ({0}), "
    'attempting to set container "c" memory limit (104857600) below current usage ({0})]'
)


def running(condition: str = "", reason: str = "", message: str = "", **rest: Any) -> dict[str, Any]:
    """The status of a pod that runs, with the limits of the size small, and with what the kubelet says of a resize."""
    status = container(running={})
    status["containerStatuses"][0]["resources"] = {"limits": {"cpu": "1", "memory": "1Gi"}}
    if condition:
        status["conditions"] = [{"type": condition, "status": "True", "reason": reason, "message": message}]
    return status | rest


def wants(
    size: str = "medium", *, of: Body | None = None, status: Body | None = None, **metadata: Any
) -> Seen:
    """A notebook that asks for a size, and its pod, that asks for the resources ``of`` another or is small."""
    ada = replace(notebook(), instance_type=size)
    sizes = {"small": SMALL, "medium": MEDIUM, "huge": HUGE}
    there = pod(ada, status=running() if status is None else status, resources=of, **metadata)
    return seen(ada, instance_type=sizes.get(size), refusal=None, pod=there)


def asked(condition: str = "", reason: str = "", message: str = "", **metadata: Any) -> Seen:
    """One whose pod was asked to be medium."""
    return wants(of=resizing.resources(MEDIUM), status=running(condition, reason, message), **metadata)


def changed(policy: ChangePolicy) -> Seen:
    """An admin changed the figures of a size in use."""
    world = wants("small")
    return replace(world, instance_type=replace(SMALL, memory=MEDIUM.memory, apply_changes=policy))


def was(session: str, size: str, world: Seen) -> Seen:
    status = Status(session=session, instance_type=size)
    return replace(world, notebook=replace(world.notebook, status=status))


ASKS: dict[str, tuple[Seen, bool | None]] = {
    "has it": (wants("small"), None),
    "has it, written otherwise": (
        wants(
            "small",
            of={
                "requests": {"cpu": "0.1", "memory": "536870912"},
                "limits": {"cpu": "1000m", "memory": "1024Mi"},
            },
        ),
        None,
    ),
    "another size": (wants(), False),
    "an admin's change": (changed(ChangePolicy.LIVE), True),
    "an admin's change for the next start": (changed(ChangePolicy.NEXT_START), None),
    "back to a size that an admin changed": (was("s1", "medium", changed(ChangePolicy.NEXT_START)), False),
    "the same of an earlier session": (was("s0", "medium", changed(ChangePolicy.NEXT_START)), None),
    "starts": (wants(status=container(waiting={"reason": "ContainerCreating"})), None),
    "has no node": (wants(status={}), None),
    "leaves": (wants(deletionTimestamp="2026-11-23T00:00:00Z"), None),
    "of another session": (replace(wants(), pod=pod(notebook(), session="s0", status=running())), None),
    "needs devices": (wants("huge"), None),
    "unknown": (wants("gone"), None),
    "forbidden": (replace(wants(), refusal=Refusal(Reason.INSTANCE_TYPE_FORBIDDEN, "No.")), None),
    "image unknown by now": (replace(wants(), refusal=Refusal(Reason.UNKNOWN_IMAGE, "No.")), False),
}


@pytest.mark.parametrize("name", ASKS)
def test_a_pod_is_asked_to_resize(name: str) -> None:
    world, takes_turns = ASKS[name]
    found = resize(world)
    assert (found.takes_turns if found else None) == takes_turns


def test_what_is_asked_for_is_cpu_and_memory() -> None:
    found = desired_set(wants(), PLAIN).resize
    assert found is not None
    assert found.resources == LIVE


def test_a_pod_that_waits_for_a_node_is_replaced_by_one_of_the_new_size() -> None:
    assert desired_set(wants(status={}), PLAIN).fate is PodFate.DELETE
    assert desired_set(wants("small", status={}), PLAIN).fate is PodFate.LEAVE
    assert desired_set(wants(status=container(waiting={})), PLAIN).fate is PodFate.LEAVE


VERDICTS: dict[str, tuple[Seen, ResizeState, Reason, str]] = {
    "in force": (wants("small"), ResizeState.APPLIED, Reason.APPLIED, "Size 'small' is in force."),
    "not asked for yet": (
        wants(),
        ResizeState.IN_PROGRESS,
        Reason.RESIZING,
        "Size 'medium' is being applied.",
    ),
    "asked for": (asked(), ResizeState.IN_PROGRESS, Reason.RESIZING, "Size 'medium' is being applied."),
    "under way": (
        asked("PodResizeInProgress"),
        ResizeState.IN_PROGRESS,
        Reason.RESIZING,
        "Size 'medium' is being applied.",
    ),
    "in force, says a status that is behind": (
        wants("small", generation=4),
        ResizeState.IN_PROGRESS,
        Reason.RESIZING,
        "Size 'small' is being applied.",
    ),
    "no room now": (
        asked("PodResizePending", "Deferred", FULL),
        ResizeState.DEFERRED,
        Reason.NODE_FULL,
        (
            "Waiting for room for 6 GiB of memory on node 'n1'; it will be applied by itself. "
            "Restart to look for room elsewhere."
        ),
    ),
    "no room ever": (
        asked("PodResizePending", "Infeasible", TOO_BIG),
        ResizeState.INFEASIBLE,
        Reason.NODE_TOO_SMALL,
        "Node 'n1' has 23.5 GiB of memory for servers at most: restart to move to a larger node, or choose a smaller size.",
    ),
    "more in use": (
        asked("PodResizeInProgress", "Error", IN_USE.format(1503238553)),
        ResizeState.REFUSED,
        Reason.MEMORY_IN_USE,
        "1.4 GiB are in use, and size 'medium' has 4 GiB: free some memory, and it will be applied by itself; or restart.",
    ),
    "fails otherwise": (
        asked("PodResizeInProgress", "Error", "runc did not answer"),
        ResizeState.REFUSED,
        Reason.REFUSED,
        (
            "Node 'n1' could not apply size 'medium' and tries again by itself; the server goes on as it is. "
            "Ask an administrator if this lasts."
        ),
    ),
    "needs devices": (
        wants("huge"),
        ResizeState.INFEASIBLE,
        Reason.RESTART_NEEDED,
        "Graphics processors are given to a server when it starts: restart to apply.",
    ),
    "an admin's change for the next start": (
        changed(ChangePolicy.NEXT_START),
        ResizeState.PENDING,
        Reason.RESTART_NEEDED,
        "An administrator changed size 'small'; the change applies at the next start.",
    ),
    "starts": (
        wants(status=container(waiting={})),
        ResizeState.IN_PROGRESS,
        Reason.RESIZING,
        "Size 'medium' is applied as soon as the server runs.",
    ),
    "stops": (
        wants(deletionTimestamp="2026-11-23T00:00:00Z"),
        ResizeState.PENDING,
        Reason.RESTART_NEEDED,
        "Size 'medium' applies at the next start.",
    ),
    "ended": (
        wants(status={"node": "n1", "phase": "Failed"}),
        ResizeState.PENDING,
        Reason.RESTART_NEEDED,
        "Size 'medium' applies at the next start.",
    ),
    "deleted size": (
        replace(wants("gone"), refusal=CATALOGUE.refusal("gone", "standard", ())),
        ResizeState.REFUSED,
        Reason.UNKNOWN_INSTANCE_TYPE,
        "There is no size 'gone' (any more). Sizes you may use: small. The server goes on as it is.",
    ),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_truth_in_one_sentence(name: str) -> None:
    world, state, reason, message = VERDICTS[name]
    assert resize_verdict(world, None) == Resize(state, reason, message)


def test_without_a_server_there_is_nothing_to_say() -> None:
    assert resize_verdict(replace(wants(), pod=None), None) is None


def test_memory_that_is_measured_again_is_no_news() -> None:
    first = resize_verdict(asked("PodResizeInProgress", "Error", IN_USE.format(1503238553)), None)
    world = asked("PodResizeInProgress", "Error", IN_USE.format(1603238553))
    again = replace(world, notebook=replace(world.notebook, status=Status(resize=first)))
    assert resize_verdict(again, None) == first

    unmeasured = asked("PodResizeInProgress", "Error", IN_USE.format(0))
    vague = resize_verdict(unmeasured, None)
    assert vague is not None
    assert vague.message.startswith("More is in use")
    told = replace(world, notebook=replace(world.notebook, status=Status(resize=vague)))
    better = resize_verdict(told, None)
    assert better is not None
    assert better.message.startswith("1.5 GiB are in use")


@pytest.mark.parametrize(
    ("message", "reason", "sentence"),
    [
        (
            "node didn't have enough allocatable resources: memory, requested: 26324500480, allocatable: 25276514304",
            Reason.NODE_TOO_SMALL,
            "Node 'n1' has 23.5 GiB of memory for servers at most: restart to move to a larger node, or choose a smaller size.",
        ),
        (
            "node didn't have enough allocatable resources: cpu, requested: 3000, allocatable: 2000",
            Reason.NODE_TOO_SMALL,
            "Node 'n1' has 2 CPU for servers at most: restart to move to a larger node, or choose a smaller size.",
        ),
        (
            "exceeded quota: people, requested: memory=4Gi",
            Reason.QUOTA_EXCEEDED,
            (
                "The quota for notebooks is used up (people, requested: memory=4Gi). The server goes on as it is; "
                "choose a smaller size, or wait until others stop theirs."
            ),
        ),
        ("no", Reason.REFUSED, "Kubernetes refused the size: no. The server goes on as it is."),
    ],
)
def test_a_refusal_of_the_api_server(message: str, reason: Reason, sentence: str) -> None:
    assert kubernetes_refusal(message, "n1") == Refusal(reason, sentence)


def test_a_refusal_is_told() -> None:
    found = resize_verdict(wants(), Refusal(Reason.NODE_TOO_SMALL, "Too small."))
    assert found == Resize(ResizeState.INFEASIBLE, Reason.NODE_TOO_SMALL, "Too small.")
    found = resize_verdict(wants(), Refusal(Reason.QUOTA_EXCEEDED, "Used up."))
    assert found == Resize(ResizeState.REFUSED, Reason.QUOTA_EXCEEDED, "Used up.")
