"""What is seen of one Notebook and its children at one moment, as one frozen value: all that decisions are made from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from carrel_operator import api
from carrel_operator.api import Body, InstanceType, Metadata, Notebook, NotebookImage, VolumeBackup
from carrel_operator.catalogue import Refusal
from carrel_operator.principal import Principal, of_person, of_project
from carrel_operator.project_seen import Membership, ProjectSeen

CONTAINER = "notebook"
PROJECT_VOLUME = "project-"  # how the pod's volumes of projects are called, before the number of each

_RESIZE_CONDITIONS = frozenset({"PodResizePending", "PodResizeInProgress"})

# Reasons of a failed pod that are not the server's own: the node refused it, lost it or needed its room.
_LOST_REASONS = frozenset(
    {
        "Evicted",
        "NodeAffinity",
        "NodeLost",
        "NodeShutdown",
        "Preempting",
        "Terminated",
        "UnexpectedAdmissionError",
    }
)


@dataclass(frozen=True, slots=True)
class ContainerEnd:
    """How the container's last run ended."""

    exit_code: int
    reason: str
    last_words: str


@dataclass(frozen=True, slots=True)
class ResizeSeen:
    """What the kubelet says about a resize that it was asked for; the answer is gone when it is done."""

    pending: bool  # it has not begun: the kubelet decided against it, for now or for good
    reason: str  # Deferred, Infeasible or Error; empty while it is under way
    message: str


@dataclass(frozen=True, slots=True)
class PodSeen:
    """A pod, reduced to what its notebook's fate depends on."""

    body: Body
    uid: str
    owner_uid: str | None  # of the Notebook that it was made for; None: not made by Carrel
    session: str
    instance_type: str
    image: str
    phase: str
    reason: str
    terminating: bool
    node: str
    unschedulable: str | None  # the scheduler's complaint
    running: bool
    started_at: str  # when its container began to run; empty while it does not
    waiting: str
    waiting_message: str
    end: ContainerEnd | None
    requested: Mapping[str, Any]  # the container's resources as the pod asks for them …
    allocated: Mapping[str, str]  # … as the node has promised them …
    actual: Mapping[str, str]  # … and the limits in force
    node_selector: Mapping[str, str]
    projects: Mapping[str, bool]  # the claims of projects that it mounts, and whether it may write
    notice: str  # why it was made while the person was at work
    service_account: str
    resize: ResizeSeen | None
    caught_up: bool  # whether its status speaks of its newest spec
    age: float  # seconds since it was first seen …
    settled: float  # … and since it last changed

    @classmethod
    def parse(cls, body: Body, age: float, settled: float) -> Self:
        """Read a pod that was first seen ``age`` seconds ago and has not changed for ``settled`` seconds."""
        metadata, spec, status = body["metadata"], body["spec"], body.get("status", {})
        annotations = metadata.get("annotations", {})
        container = spec["containers"][0]
        container_status: Body = next(iter(status.get("containerStatuses", ())), {})
        state = container_status.get("state", {})
        waiting, running = state.get("waiting", {}), "running" in state
        resources = container_status.get("resources", {})
        return cls(
            body=body,
            uid=metadata["uid"],
            owner_uid=next(_notebook_owners(metadata), None),
            session=annotations.get(api.SESSION_ANNOTATION, ""),
            instance_type=annotations.get(api.INSTANCE_TYPE_ANNOTATION, ""),
            image=container["image"],
            phase=status.get("phase", "Pending"),
            reason=status.get("reason", ""),
            terminating="deletionTimestamp" in metadata,
            node=spec.get("nodeName", ""),
            unschedulable=_complaint(status),
            running=running,
            started_at=state.get("running", {}).get("startedAt", ""),
            waiting=waiting.get("reason", ""),
            waiting_message=waiting.get("message", ""),
            end=_end(state.get("terminated") or container_status.get("lastState", {}).get("terminated")),
            requested=container.get("resources", {}),
            allocated=container_status.get("allocatedResources", {}) if running else {},
            actual=resources.get("limits", {}) if running else {},
            node_selector=spec.get("nodeSelector", {}),
            projects=_projects(spec),
            notice=annotations.get(api.NOTICE_ANNOTATION, ""),
            service_account=spec.get("serviceAccountName", ""),
            resize=_resize(status),
            caught_up=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
            age=age,
            settled=settled,
        )

    @property
    def lost(self) -> bool:
        """Whether the platform took the pod away; it is replaced, because nobody asked for that."""
        return self.phase == "Failed" and (self.reason in _LOST_REASONS or self.reason.startswith("OutOf"))


@dataclass(frozen=True, slots=True)
class Seen:
    """A Notebook, what the catalogue says to it, and the children that exist."""

    notebook: Notebook
    relatives: tuple[Metadata, ...]  # all Notebooks of this owner, this one too, by name
    instance_type: InstanceType | None
    image: NotebookImage | None
    refusal: Refusal | None  # of this size and image to this owner
    service_account: Body | None = None
    home: Body | None = None
    service: Body | None = None
    network_policy: Body | None = None
    pod: PodSeen | None = None
    age: float = 0.0  # seconds since the Notebook was first seen
    home_settled: float = 0.0  # seconds since the home last changed
    uid: int | None = None  # the owner's number, once they have one
    memberships: tuple[Membership, ...] = ()  # of the owner, by project
    team: ProjectSeen | None = None  # the project whose server it is, while it is there and has its number
    backup: VolumeBackup | None = None  # of the home
    backup_age: float = 0.0  # seconds since the backup that is being made began
    uses: str = ""  # what has used the home so far, as ``backup_seen`` tells

    @property
    def principal(self) -> Principal:
        """As whom it runs."""
        return principal_of(self.notebook.owner, self.team)

    @property
    def size_of_pod(self) -> str:
        """The name of the size that the pod was last asked to be; it was made with another one if that was resized."""
        pod, status = self.own_pod, self.notebook.status
        if pod is None:
            return ""
        return (
            status.instance_type
            if status.instance_type and status.session == pod.session
            else pod.instance_type
        )

    @property
    def home_bound(self) -> bool:
        """Whether the home has its disk."""
        return self.home is not None and self.home.get("status", {}).get("phase") == "Bound"

    @property
    def own_pod(self) -> PodSeen | None:
        """The pod, if it was made for this Notebook and not for one of the same name before it."""
        return self.pod if self.pod and self.pod.owner_uid == self.notebook.metadata.uid else None

    @property
    def current_pod(self) -> PodSeen | None:
        """The pod, if it was made for this Notebook and this session and is there to stay."""
        pod = self.own_pod
        return pod if pod and not pod.terminating and pod.session == self.notebook.session else None


def principal_of(owner: str, team: ProjectSeen | None) -> Principal:
    """As whom the servers of this owner run."""
    if team and team.number is not None:
        return of_project(team.project.name, team.number)
    return of_person(owner)


def _notebook_owners(metadata: Body) -> Iterator[str]:
    for reference in metadata.get("ownerReferences", ()):
        if reference["kind"] == "Notebook" and reference["apiVersion"].startswith(f"{api.GROUP}/"):
            yield reference["uid"]


def _projects(spec: Body) -> dict[str, bool]:
    """As the pod itself says, which nobody can change; labels and annotations can be."""
    mounts = {each["name"]: each for each in spec["containers"][0].get("volumeMounts", ())}
    claims = {
        each["name"]: each["persistentVolumeClaim"]["claimName"]
        for each in spec.get("volumes", ())
        if each["name"].startswith(PROJECT_VOLUME) and each["name"] in mounts
    }
    return {claim: not mounts[name].get("readOnly", False) for name, claim in claims.items()}


def _complaint(status: Body) -> str | None:
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message", ""))
    return None


def _resize(status: Body) -> ResizeSeen | None:
    for condition in status.get("conditions", ()):
        if condition["type"] in _RESIZE_CONDITIONS and condition["status"] == "True":
            return ResizeSeen(
                pending=condition["type"] == "PodResizePending",
                reason=condition.get("reason", ""),
                message=condition.get("message", ""),
            )
    return None


def _end(terminated: Body | None) -> ContainerEnd | None:
    if not terminated:
        return None
    lines = [line.strip() for line in terminated.get("message", "").splitlines() if line.strip()]
    return ContainerEnd(
        exit_code=terminated.get("exitCode", 0),
        reason=terminated.get("reason", ""),
        last_words=lines[-1][:200] if lines else "",
    )
