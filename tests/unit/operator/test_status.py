"""What each thing that may be seen is called, and the sentence that a person reads."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from carrel_operator import status as statuses
from carrel_operator.api import ConditionType, Identity, Phase, Reason, Status
from carrel_operator.catalogue import Refusal
from carrel_operator.seen import Seen
from carrel_operator.verdict import verdict
from unit.operator.worlds import FEDERATED, PLAIN, container, home, notebook, pod, seen

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
ADA = notebook()
BOUND = home()


def unschedulable(message: str) -> dict[str, object]:
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]
    return {"phase": "Pending", "conditions": conditions}


def waiting(reason: str, message: str = "") -> dict[str, object]:
    return {**container(waiting={"reason": reason, "message": message}), "phase": "Pending"}


NO_ROOM = (
    "0/2 nodes are available: 1 Insufficient cpu, 2 Insufficient memory. preemption: 0/2 nodes are available."
)
NO_CLASS = '0/1 nodes are available: storageclass.storage.k8s.io "fast" not found. preemption: not helpful.'
NO_CLAIM = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
BESIDE = "0/2 nodes are available: 1 Insufficient memory, 1 node(s) didn't match pod affinity rules."
RESTARTING = {"exitCode": 1, "reason": "Error", "message": "Traceback\nImportError: no module\n"}
OUT_OF_MEMORY = {"exitCode": 137, "reason": "OOMKilled"}
LAB = notebook(server="lab")

VERDICTS: dict[str, tuple[Seen, Phase, Reason, str]] = {
    "stopped": (seen(notebook(running=False)), Phase.STOPPED, Reason.STOPPED, "The server is stopped."),
    "stopping": (
        seen(notebook(running=False), pod=pod(ADA, status=container(running={}))),
        Phase.STOPPING,
        Reason.STOPPING,
        "The server is stopping.",
    ),
    "running": (
        seen(ADA, home=BOUND, pod=pod(ADA, status=container(running={}))),
        Phase.RUNNING,
        Reason.RUNNING,
        "The server is running.",
    ),
    "running beside a full home": (
        seen(notebook(rescue=True), home=BOUND, pod=pod(ADA, status=container(running={}))),
        Phase.RUNNING,
        Reason.RUNNING,
        "The server is running with an empty home for this once; your own is in its folder 'full-home'.",
    ),
    "running, size unknown by now": (
        seen(notebook(instanceType="gone"), home=BOUND, pod=pod(ADA, status=container(running={}))),
        Phase.RUNNING,
        Reason.RUNNING,
        "The server is running.",
    ),
    "shut down from within": (
        seen(ADA, pod=pod(ADA, status={"phase": "Succeeded"})),
        Phase.STOPPED,
        Reason.SERVER_EXITED,
        "The server was shut down from within. Start it again to go on.",
    ),
    "unknown size": (
        seen(notebook(instanceType="gone")),
        Phase.FAILED,
        Reason.UNKNOWN_INSTANCE_TYPE,
        "There is no size 'gone' (any more). Sizes you may use: small.",
    ),
    "forbidden size": (
        seen(notebook(instanceType="huge")),
        Phase.FAILED,
        Reason.INSTANCE_TYPE_FORBIDDEN,
        "Size 'huge' is only for members of the group 'researchers'. Sizes you may use: small.",
    ),
    "unknown image": (
        seen(notebook(image="gone")),
        Phase.FAILED,
        Reason.UNKNOWN_IMAGE,
        "There is no image 'gone' (any more). Images you may use: standard.",
    ),
    "wrong name": (
        seen(notebook("a", "b-c", name="a-b--c")),
        Phase.FAILED,
        Reason.NAME_MISMATCH,
        (
            "The notebook of 'a', server 'b-c' must be named 'a--b-c', not 'a-b--c'. "
            "Delete this one and create it under the right name."
        ),
    ),
    "home of somebody else": (
        seen(ADA, home=home("ada", **{"carrel.dev/owner": "Ada"})),
        Phase.FAILED,
        Reason.HOME_OWNER_MISMATCH,
        (
            "The claim 'home-ada' belongs to 'Ada', not to 'ada'. If it is right, an administrator sets its annotation "
            "carrel.dev/owner to 'ada'; else it has to be removed or renamed."
        ),
    ),
    "somebody else's pod": (
        seen(ADA, pod=pod(ADA, ownerReferences=[])),
        Phase.FAILED,
        Reason.REFUSED,
        "A pod named 'nb-ada' that Carrel did not make is in the way. Ask an administrator to remove it.",
    ),
    "nothing made yet": (seen(ADA), Phase.PENDING, Reason.SCHEDULING, "The server is being prepared."),
    "previous session still there": (
        seen(ADA, pod=pod(ADA, session="s0", status=container(running={}))),
        Phase.PENDING,
        Reason.STOPPING,
        "The previous server is still stopping; the new one starts when it is gone.",
    ),
    "being deleted by hand": (
        seen(ADA, pod=pod(ADA, status=container(running={}), deletionTimestamp="2026-11-23T00:00:00Z")),
        Phase.PENDING,
        Reason.STOPPING,
        "The previous server is still stopping; the new one starts when it is gone.",
    ),
    "evicted": (
        seen(ADA, pod=pod(ADA, status={"node": "n1", "phase": "Failed", "reason": "Evicted"})),
        Phase.PENDING,
        Reason.SCHEDULING,
        "The node took the server away (Evicted); a new one starts by itself, with the same files.",
    ),
    "just created": (
        seen(ADA, home=BOUND, pod=pod(ADA)),
        Phase.PENDING,
        Reason.SCHEDULING,
        "Looking for a node with room for size 'small' (0.1 CPU, 512 MiB).",
    ),
    "home unbound, scheduler at work": (
        seen(ADA, home=home(phase="Pending"), pod=pod(ADA)),
        Phase.PENDING,
        Reason.HOME_PENDING,
        "The home 'home-ada' waits for its disk, a few seconds at a first start. If this lasts, ask an administrator to look at its storage class.",
    ),
    "home's class unknown": (
        seen(ADA, home=home(phase="Pending"), pod=pod(ADA, status=unschedulable(NO_CLASS))),
        Phase.PENDING,
        Reason.HOME_PENDING,
        (
            "The home 'home-ada' waits for its disk: storageclass.storage.k8s.io \"fast\" not found. "
            "If this lasts, ask an administrator to look at its storage class."
        ),
    ),
    "home not bound at once": (
        seen(ADA, home=home(phase="Pending"), pod=pod(ADA, status=unschedulable(NO_CLAIM))),
        Phase.PENDING,
        Reason.HOME_PENDING,
        (
            "The home 'home-ada' waits for its disk, a few seconds at a first start. "
            "If this lasts, ask an administrator to look at its storage class."
        ),
    ),
    "no room": (
        seen(
            notebook(instanceType="huge", ownerGroups=["researchers"]),
            home=home(phase="Pending"),
            pod=pod(ADA, size="huge", status=unschedulable(NO_ROOM)),
        ),
        Phase.PENDING,
        Reason.UNSCHEDULABLE,
        (
            "No node has room for size 'huge' (64 CPU, 256 GiB, 2 nvidia.com/gpu): there is not enough cpu, memory. "
            "Choose a smaller size, or wait if somebody is about to stop theirs."
        ),
    ),
    "no room beside the other server": (
        seen(
            LAB,
            home=BOUND,
            pod=pod(LAB, status=unschedulable(BESIDE)),
            relatives=(ADA.metadata, LAB.metadata),
        ),
        Phase.PENDING,
        Reason.UNSCHEDULABLE,
        (
            "The node of your other servers has no room for size 'small' (0.1 CPU, 512 MiB), and servers of one home "
            "run side by side. Stop another server or choose a smaller size."
        ),
    ),
    "on its node": (
        seen(ADA, home=BOUND, pod=pod(ADA, status=waiting("ContainerCreating"))),
        Phase.STARTING,
        Reason.STARTING,
        "Node 'n1' starts the server, and fetches its image if it is new there.",
    ),
    "image can't be pulled": (
        seen(ADA, home=BOUND, pod=pod(ADA, status=waiting("ErrImagePull", "rpc error 7"))),
        Phase.PENDING,
        Reason.IMAGE_PULL_FAILED,
        (
            "Image 'standard' (example.org/notebook:1) can't be fetched. Choose another image, or ask an administrator "
            "to check its name and the registry's password."
        ),
    ),
    "secret missing": (
        seen(
            ADA,
            home=BOUND,
            pod=pod(ADA, status=waiting("CreateContainerConfigError", 'secret "x" not found')),
        ),
        Phase.PENDING,
        Reason.REFUSED,
        'The node can\'t start the server: secret "x" not found. Ask an administrator.',
    ),
    "crashing": (
        seen(
            ADA,
            pod=pod(
                ADA,
                status={
                    "node": "n1",
                    "containerStatuses": [
                        {
                            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                            "lastState": {"terminated": RESTARTING},
                        }
                    ],
                },
            ),
        ),
        Phase.FAILED,
        Reason.SERVER_FAILED,
        "The server stopped with exit code 1: ImportError: no module. Start it again, or choose another image.",
    ),
    "crashed this moment": (
        seen(ADA, pod=pod(ADA, status=container(terminated=RESTARTING))),
        Phase.FAILED,
        Reason.SERVER_FAILED,
        "The server stopped with exit code 1: ImportError: no module. Start it again, or choose another image.",
    ),
    "out of memory": (
        seen(ADA, pod=pod(ADA, status=container(terminated=OUT_OF_MEMORY))),
        Phase.FAILED,
        Reason.SERVER_FAILED,
        "The server needed more memory than size 'small' has (1 GiB). Choose a larger size.",
    ),
    "failed for another reason": (
        seen(ADA, pod=pod(ADA, status={"node": "n1", "phase": "Failed", "reason": "DeadlineExceeded"})),
        Phase.FAILED,
        Reason.SERVER_FAILED,
        "The server failed (DeadlineExceeded). Start it again.",
    ),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_phase_reason_and_sentence(case: str) -> None:
    world, phase, reason, message = VERDICTS[case]
    found = verdict(world, None)
    assert (found.phase, found.reason, found.message) == (phase, reason, message)


@pytest.mark.parametrize("case", VERDICTS)
def test_a_status_once_written_is_not_written_again(case: str) -> None:
    """What is computed from the world with that status in it is the same, an hour later too."""
    world = VERDICTS[case][0]
    first = statuses.status(world, FEDERATED, statuses.Answers(), NOW)
    stored = Status.parse(first.body())
    again = replace(world, notebook=replace(world.notebook, status=stored))
    assert statuses.status(again, FEDERATED, statuses.Answers(), LATER).body() == first.body()


def test_what_kubernetes_refused_is_said_while_there_is_no_pod() -> None:
    problem = Refusal(Reason.QUOTA_EXCEEDED, "The quota is used up.")
    assert verdict(seen(ADA), problem).reason is Reason.QUOTA_EXCEEDED
    assert verdict(seen(ADA, pod=pod(ADA, status=container(running={}))), problem).reason is Reason.RUNNING
    assert verdict(seen(notebook(instanceType="gone")), problem).reason is Reason.UNKNOWN_INSTANCE_TYPE


def test_the_time_of_a_condition_moves_only_when_its_answer_does() -> None:
    starting = statuses.status(seen(ADA, home=BOUND, pod=pod(ADA)), PLAIN, statuses.Answers(), NOW)
    known = replace(ADA, status=starting)
    placed = statuses.status(
        seen(known, home=BOUND, pod=pod(ADA, status=waiting("ContainerCreating"))),
        PLAIN,
        statuses.Answers(),
        LATER,
    )
    ready = placed.condition(ConditionType.READY)
    assert ready is not None
    assert (ready.reason, ready.last_transition_time) == (Reason.STARTING, "2026-11-23T15:00:00Z")
    known = replace(ADA, status=placed)
    running = statuses.status(
        seen(known, home=BOUND, pod=pod(ADA, status=container(running={}))), PLAIN, statuses.Answers(), LATER
    )
    ready = running.condition(ConditionType.READY)
    assert ready is not None
    assert (ready.status, ready.last_transition_time) == (True, "2026-11-23T16:00:00Z")


@pytest.mark.parametrize(
    ("session", "ready", "status", "said"),
    [("s1", False, "False", "No token."), ("s1", True, "True", "knows"), ("s0", False, "True", "knows")],
    ids=["not ready", "ready again", "of a former session"],
)
def test_an_identity_that_the_server_says_is_not_ready(
    session: str, ready: bool, status: str, said: str
) -> None:
    told = replace(ADA, identity=Identity(session, ready, "No token."))
    at_work = pod(told, status=container(running={}))
    found = statuses.status(
        seen(told, home=BOUND, pod=at_work, service_account={}), FEDERATED, statuses.Answers(), NOW
    )
    condition = found.condition(ConditionType.IDENTITY_READY)
    assert condition is not None
    assert condition.body()["status"] == status
    assert said in condition.message
    assert found.phase is Phase.RUNNING
    assert found.message == ("No token." if status == "False" else "The server is running.")


def test_everything_a_running_notebook_says() -> None:
    at_work = pod(
        ADA,
        status={
            **container(running={}),
            "containerStatuses": [
                {
                    "state": {"running": {}},
                    "allocatedResources": {"cpu": "100m", "memory": "512Mi"},
                    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                }
            ],
        },
    )
    found = statuses.status(
        seen(ADA, home=BOUND, pod=at_work, service={"spec": {"clusterIP": "10.0.0.7"}}, service_account={}),
        FEDERATED,
        statuses.Answers(),
        NOW,
    ).body()
    conditions = {each["type"]: (each["status"], each["reason"]) for each in found.pop("conditions")}
    assert conditions == {
        "Ready": ("True", "Running"),
        "VolumesReady": ("True", "Bound"),
        "IdentityReady": ("True", "Issued"),
        "ResourcesApplied": ("True", "Applied"),
        "MembershipValid": ("True", "Member"),
    }
    assert found == {
        "observedGeneration": 3,
        "phase": "Running",
        "message": "The server is running.",
        "url": "http://10.0.0.7:8888",
        "session": "s1",
        "node": "n1",
        "image": "example.org/notebook:1",
        "instanceType": "small",
        "principal": "principal://example.org/carrel/user-ada",
        "resources": {
            "requested": {"cpu": "1", "memory": "1Gi"},
            "allocated": {"cpu": "100m", "memory": "512Mi"},
            "actual": {"cpu": "1", "memory": "1Gi"},
        },
        "resize": {"state": "Applied", "reason": "Applied", "message": "Size 'small' is in force."},
        "memory": {"limit": "1Gi"},
        "volumes": [{"name": "home", "claim": "home-ada", "phase": "Bound", "size": "10Gi"}],
    }


def test_a_size_that_needs_a_restart_says_so() -> None:
    world = seen(
        notebook(instanceType="huge", ownerGroups=["researchers"]),
        home=BOUND,
        pod=pod(ADA, status=container(running={})),
    )
    found = statuses.status(world, PLAIN, statuses.Answers(), NOW)
    applied = found.condition(ConditionType.RESOURCES_APPLIED)
    assert applied is not None
    assert (applied.status, applied.reason) == (False, Reason.RESTART_NEEDED)
    assert applied.message == "Graphics processors are given to a server when it starts: restart to apply."
    assert found.memory_limit == "1Gi"


UNBOUND = home(phase="Pending")
PLACED = waiting("ContainerCreating")
FLEETING: dict[str, tuple[Seen, float | None]] = {
    "created stopped": (seen(notebook(running=False), age=0.25), 0.75),
    "created stopped a while ago": (seen(notebook(running=False), age=1.5), None),
    "of a size not seen yet": (seen(notebook(instanceType="gone"), age=0.25), 0.75),
    "of a size that is not there": (seen(notebook(instanceType="gone"), age=1.5), None),
    "not yet placed": (seen(ADA, home=BOUND, home_settled=60.0, pod=pod(ADA, age=0.25)), 0.75),
    "not yet placed for long": (seen(ADA, home=BOUND, home_settled=60.0, pod=pod(ADA, age=1.5)), None),
    "placed": (seen(ADA, home=BOUND, home_settled=60.0, pod=pod(ADA, age=0.25, status=PLACED)), None),
    "placed, home's news outstanding": (seen(ADA, home=UNBOUND, pod=pod(ADA, age=0.25, status=PLACED)), 0.75),
    "placed, home unbound for long": (seen(ADA, home=UNBOUND, pod=pod(ADA, age=1.5, status=PLACED)), None),
    "home bound, pod's news outstanding": (
        seen(ADA, home=BOUND, home_settled=0.5, pod=pod(ADA, age=3.0, status=unschedulable(NO_CLAIM))),
        0.5,
    ),
    "no room, home bound long ago": (
        seen(ADA, home=BOUND, home_settled=60.0, pod=pod(ADA, age=0.25, status=unschedulable(NO_ROOM))),
        None,
    ),
    "no room": (seen(ADA, home=UNBOUND, pod=pod(ADA, age=0.25, status=unschedulable(NO_ROOM))), None),
    "running": (seen(ADA, home=UNBOUND, pod=pod(ADA, age=0.25, status=container(running={}))), None),
}


@pytest.mark.parametrize("case", FLEETING)
def test_what_lasts_milliseconds_is_written_only_when_it_lasts(case: str) -> None:
    world, wait = FLEETING[case]
    assert statuses.fleeting(world, statuses.status(world, PLAIN, statuses.Answers(), NOW)) == wait


def test_a_notebook_that_cannot_be_read_says_which_field() -> None:
    found = statuses.invalid(ADA.metadata, Status(), "spec.image is missing", NOW)
    assert found.reason is Reason.INVALID_SPEC
    assert (
        found.message
        == "This notebook's spec can't be used: spec.image is missing. Correct it with kubectl edit."
    )
