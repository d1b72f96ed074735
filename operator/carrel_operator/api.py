"""Carrel's own objects as frozen values: what Notebooks, instance types and images may say, and what they answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Self

GROUP = "carrel.dev"
VERSION = "v1"
API_VERSION = f"{GROUP}/{VERSION}"

NOTEBOOK_LABEL = f"{GROUP}/notebook"
USER_LABEL = f"{GROUP}/user"
OWNER_ANNOTATION = f"{GROUP}/owner"
SERVER_ANNOTATION = f"{GROUP}/server"
SESSION_ANNOTATION = f"{GROUP}/session"
INSTANCE_TYPE_ANNOTATION = f"{GROUP}/instance-type"
IMAGE_ANNOTATION = f"{GROUP}/image"

Body = Mapping[str, Any]


class InvalidObjectError(ValueError):
    """An object does not have the shape its CRD promises; the message names the field."""


class Phase(StrEnum):
    """Where a notebook is in its life, in one word."""

    STOPPED = "Stopped"
    PENDING = "Pending"
    STARTING = "Starting"
    RUNNING = "Running"
    STOPPING = "Stopping"
    FAILED = "Failed"


class ReasonKind(Enum):
    """What somebody who waits for the server should do: wait on, wait a little, or give up."""

    PROGRESS = "progress"
    STUCK = "stuck"
    FINAL = "final"


class Reason(StrEnum):
    """The CamelCase word beside each sentence of a condition."""

    RUNNING = "Running"
    STOPPED = "Stopped"
    STOPPING = "Stopping"
    STARTING = "Starting"
    SCHEDULING = "Scheduling"
    PULLING = "Pulling"
    IDENTITY_PENDING = "IdentityPending"

    HOME_PENDING = "HomePending"
    UNSCHEDULABLE = "Unschedulable"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    QUOTA_EXCEEDED = "QuotaExceeded"
    REFUSED = "Refused"

    UNKNOWN_INSTANCE_TYPE = "UnknownInstanceType"
    UNKNOWN_IMAGE = "UnknownImage"
    INSTANCE_TYPE_FORBIDDEN = "InstanceTypeForbidden"
    IMAGE_FORBIDDEN = "ImageForbidden"
    NAME_MISMATCH = "NameMismatch"
    HOME_OWNER_MISMATCH = "HomeOwnerMismatch"
    SERVER_FAILED = "ServerFailed"
    SERVER_EXITED = "ServerExited"
    INVALID_SPEC = "InvalidSpec"

    BOUND = "Bound"
    ISSUED = "Issued"
    APPLIED = "Applied"
    RESTART_NEEDED = "RestartNeeded"

    @property
    def kind(self) -> ReasonKind:
        """Progress by default; stuck heals only if somebody acts or room is made; final never heals by waiting."""
        if self in _FINAL:
            return ReasonKind.FINAL
        return ReasonKind.STUCK if self in _STUCK else ReasonKind.PROGRESS


_STUCK = frozenset(
    {
        Reason.HOME_PENDING,
        Reason.UNSCHEDULABLE,
        Reason.IMAGE_PULL_FAILED,
        Reason.QUOTA_EXCEEDED,
        Reason.REFUSED,
    }
)
_FINAL = frozenset(
    {
        Reason.UNKNOWN_INSTANCE_TYPE,
        Reason.UNKNOWN_IMAGE,
        Reason.INSTANCE_TYPE_FORBIDDEN,
        Reason.IMAGE_FORBIDDEN,
        Reason.NAME_MISMATCH,
        Reason.HOME_OWNER_MISMATCH,
        Reason.SERVER_FAILED,
        Reason.SERVER_EXITED,
        Reason.INVALID_SPEC,
    }
)


class ConditionType(StrEnum):
    """The conditions of a Notebook."""

    READY = "Ready"
    VOLUMES_READY = "VolumesReady"
    IDENTITY_READY = "IdentityReady"
    RESOURCES_APPLIED = "ResourcesApplied"


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of an object's metadata that Carrel reads."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    deleting: bool = False

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read the metadata of any Kubernetes object."""
        metadata = _mapping(body, "metadata")
        return cls(
            name=_text(metadata, "name", "metadata."),
            namespace=metadata.get("namespace", ""),
            uid=metadata.get("uid", ""),
            generation=metadata.get("generation", 0),
            deleting="deletionTimestamp" in metadata,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """How much of one resource a container is promised, and how much it may use; Kubernetes quantities."""

    request: str
    limit: str

    @classmethod
    def parse(cls, spec: Body, name: str) -> Self:
        """Read ``spec.<name>``; a missing request is the limit, and a plain number is a quantity too."""
        share = _mapping(spec, name, "spec.")
        limit = share.get("limit")
        if limit is None:
            message = f"spec.{name}.limit is missing"
            raise InvalidObjectError(message)
        return cls(request=str(share.get("request", limit)), limit=str(limit))


@dataclass(frozen=True, slots=True)
class Gpu:
    """Whole devices of an extended resource, such as ``nvidia.com/gpu``."""

    resource: str
    count: int


@dataclass(frozen=True, slots=True)
class InstanceType:
    """A size that the admin defines and people name."""

    name: str
    cpu: Share
    memory: Share
    display_name: str = ""
    description: str = ""
    gpu: Gpu | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Body, ...] = ()
    price_per_hour: float | None = None
    allowed_groups: tuple[str, ...] = ()
    order: int = 0

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read an InstanceType object; InvalidObjectError names the field that is missing."""
        name, spec = Metadata.parse(body).name, _mapping(body, "spec")
        gpu = spec.get("gpu")
        return cls(
            name=name,
            cpu=Share.parse(spec, "cpu"),
            memory=Share.parse(spec, "memory"),
            display_name=spec.get("displayName") or name,
            description=spec.get("description", ""),
            gpu=Gpu(_text(gpu, "resource", "spec.gpu."), gpu.get("count", 1)) if gpu else None,
            node_selector=spec.get("nodeSelector", {}),
            tolerations=tuple(spec.get("tolerations", ())),
            price_per_hour=spec.get("pricePerHour"),
            allowed_groups=tuple(spec.get("allowedGroups", ())),
            order=spec.get("order", 0),
        )


@dataclass(frozen=True, slots=True)
class NotebookImage:
    """A container image that the admin defines and people name."""

    name: str
    image: str
    display_name: str = ""
    description: str = ""
    allowed_groups: tuple[str, ...] = ()
    default: bool = False
    deprecated: str | None = None  # the sentence that says what to use instead

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read a NotebookImage object; InvalidObjectError names the field that is missing."""
        name, spec = Metadata.parse(body).name, _mapping(body, "spec")
        deprecated = spec.get("deprecated")
        return cls(
            name=name,
            image=_text(spec, "image", "spec."),
            display_name=spec.get("displayName") or name,
            description=spec.get("description", ""),
            allowed_groups=tuple(spec.get("allowedGroups", ())),
            default=spec.get("default", False),
            deprecated=deprecated.get("message", "") if deprecated is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Condition:
    """One answer of ``status.conditions``."""

    type: ConditionType
    status: bool
    reason: Reason
    message: str
    observed_generation: int = 0
    last_transition_time: str = ""

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read a condition that an operator of this version wrote."""
        return cls(
            type=ConditionType(body["type"]),
            status=body["status"] == "True",
            reason=Reason(body["reason"]),
            message=body.get("message", ""),
            observed_generation=body.get("observedGeneration", 0),
            last_transition_time=body.get("lastTransitionTime", ""),
        )

    def body(self) -> dict[str, Any]:
        """The condition as Kubernetes stores it."""
        return {
            "type": str(self.type),
            "status": "True" if self.status else "False",
            "reason": str(self.reason),
            "message": self.message,
            "observedGeneration": self.observed_generation,
            "lastTransitionTime": self.last_transition_time,
        }


@dataclass(frozen=True, slots=True)
class Volume:
    """A claim that the notebook mounts."""

    name: str
    claim: str
    phase: str
    size: str


@dataclass(frozen=True, slots=True)
class Resources:
    """CPU and memory limits asked for by the spec, allocated by the node, and in force in the container."""

    requested: Mapping[str, str] = field(default_factory=dict)
    allocated: Mapping[str, str] = field(default_factory=dict)
    actual: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """What the operator says about a Notebook."""

    phase: Phase | None = None  # None: the operator has not looked yet
    message: str = ""
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()
    url: str = ""
    session: str = ""
    node: str = ""
    image: str = ""
    principal: str = ""
    resources: Resources = field(default_factory=Resources)
    memory_limit: str = ""
    volumes: tuple[Volume, ...] = ()

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read ``status``; what another version of the operator said in words unknown here is left out."""
        resources = body.get("resources", {})
        phase = body.get("phase")
        return cls(
            phase=Phase(phase) if phase in set(Phase) else None,
            message=body.get("message", ""),
            observed_generation=body.get("observedGeneration", 0),
            conditions=tuple(
                Condition.parse(each)
                for each in body.get("conditions", ())
                if each["type"] in set(ConditionType) and each["reason"] in set(Reason)
            ),
            url=body.get("url", ""),
            session=body.get("session", ""),
            node=body.get("node", ""),
            image=body.get("image", ""),
            principal=body.get("principal", ""),
            resources=Resources(*(resources.get(key, {}) for key in ("requested", "allocated", "actual"))),
            memory_limit=body.get("memory", {}).get("limit", ""),
            volumes=tuple(
                Volume(each["name"], each.get("claim", ""), each.get("phase", ""), each.get("size", ""))
                for each in body.get("volumes", ())
            ),
        )

    def body(self) -> dict[str, Any]:
        """The status as Kubernetes stores it, without what is empty."""
        fields: dict[str, Any] = {
            "observedGeneration": self.observed_generation,
            "phase": str(self.phase) if self.phase else None,
            "message": self.message,
            "conditions": [each.body() for each in self.conditions],
            "url": self.url,
            "session": self.session,
            "node": self.node,
            "image": self.image,
            "principal": self.principal,
            "resources": _filled(
                requested=dict(self.resources.requested),
                allocated=dict(self.resources.allocated),
                actual=dict(self.resources.actual),
            ),
            "memory": _filled(limit=self.memory_limit),
            "volumes": [
                _filled(name=each.name, claim=each.claim, phase=each.phase, size=each.size)
                for each in self.volumes
            ],
        }
        return _filled(**fields)

    def condition(self, kind: ConditionType) -> Condition | None:
        """The condition of that type, once the operator has set it."""
        return next((each for each in self.conditions if each.type is kind), None)

    @property
    def reason(self) -> Reason | None:
        """The reason of the Ready condition: why the notebook is in this phase."""
        ready = self.condition(ConditionType.READY)
        return ready.reason if ready else None


@dataclass(frozen=True, slots=True)
class Notebook:
    """One server of one person."""

    metadata: Metadata
    owner: str
    instance_type: str
    image: str
    owner_groups: frozenset[str] = frozenset()
    server: str = ""
    session: str = ""
    running: bool = False
    home_size: str | None = None
    environment_secret: str | None = None
    status: Status = field(default_factory=Status)

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read a Notebook object; InvalidObjectError names the field that is missing."""
        spec = _mapping(body, "spec")
        return cls(
            metadata=Metadata.parse(body),
            owner=_text(spec, "owner", "spec."),
            instance_type=_text(spec, "instanceType", "spec."),
            image=_text(spec, "image", "spec."),
            owner_groups=frozenset(spec.get("ownerGroups", ())),
            server=spec.get("server", ""),
            session=spec.get("session", ""),
            running=spec.get("running", False),
            home_size=spec.get("homeSize"),
            environment_secret=spec.get("environmentSecret"),
            status=Status.parse(body.get("status", {})),
        )

    @property
    def name(self) -> str:
        """The object's name."""
        return self.metadata.name


def _filled(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - values of any JSON type pass through
    return {key: value for key, value in fields.items() if value not in ("", None, [], {})}


def _mapping(body: Body, key: str, where: str = "") -> Body:
    value = body.get(key)
    if not isinstance(value, Mapping):
        message = f"{where}{key} is missing"
        raise InvalidObjectError(message)
    return value


def _text(body: Body, key: str, where: str = "") -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        message = f"{where}{key} is missing"
        raise InvalidObjectError(message)
    return value
