"""What the operator answers: the status of a Notebook and its conditions."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from carrel_operator.api.reading import Body
from carrel_operator.api.vocabulary import ConditionType, Phase, Reason, ResizeState


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


def parse_conditions(status: Body) -> tuple[Condition, ...]:
    """The conditions of a stored status that this version knows."""
    return tuple(
        Condition.parse(each)
        for each in status.get("conditions", ())
        if each["type"] in set(ConditionType) and each["reason"] in set(Reason)
    )


@dataclass(frozen=True, slots=True)
class Volume:
    """A claim that the notebook mounts."""

    name: str
    claim: str
    phase: str
    size: str


@dataclass(frozen=True, slots=True)
class MountedProject:
    """A project whose files the server has."""

    name: str
    writable: bool


@dataclass(frozen=True, slots=True)
class DiskUse:
    """How full the file system is that a volume is on, in bytes: what the server itself reported through the hub."""

    used: int
    file_system: (
        int  # its whole size; more than the volume's where a storage class does not keep volumes apart
    )

    @staticmethod
    def parse(body: Body, volume: str) -> "DiskUse | None":
        """Read it from a Notebook's stored status; None until it was reported."""
        return _disk_uses(body.get("volumes", ())).get(volume)

    @staticmethod
    def of_projects(body: Body) -> "Mapping[str, DiskUse]":
        """The same for the projects that the server mounts, by name."""
        return _disk_uses(body.get("projectVolumes", ()))


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """The most memory that a session used, in bytes, and what was stopped last for lack of it: the server's own word."""

    peak: int = 0  # 0: nothing was reported
    session: str = ""  # the one that the peak is of
    killed_at: str = ""
    killed: str = ""  # the sentence about it

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read it from a Notebook's stored status."""
        memory = body.get("memory", {})
        kill = memory.get("lastKill", {})
        peak = str(memory.get("peak", ""))
        session = memory.get("session", "")
        return cls(int(peak) if peak.isdecimal() else 0, session, kill.get("at", ""), kill.get("message", ""))


@dataclass(frozen=True, slots=True)
class Activity:
    """Whether something runs in the server: what it reported of itself through the hub, when that last changed."""

    session: str
    busy: bool
    idle_since: str  # empty while it is busy

    @classmethod
    def parse(cls, body: Body) -> Self | None:
        """Read it from a Notebook's stored status; None until it was reported."""
        found = body.get("activity")
        if not found:
            return None
        return cls(found.get("session", ""), found.get("busy", False), found.get("idleSince", ""))

    def body(self) -> dict[str, Any]:
        """As Kubernetes stores it."""
        return _filled(session=self.session, idleSince=self.idle_since) | {"busy": self.busy}


@dataclass(frozen=True, slots=True)
class Identity:
    """Whether the warehouse lets the server's queries in: what it reported of itself through the hub."""

    session: str
    ready: bool
    message: str = ""

    @classmethod
    def parse(cls, body: Body) -> Self | None:
        """Read it from a Notebook's stored status; None until something was amiss."""
        found = body.get("identity")
        if not found:
            return None
        return cls(found.get("session", ""), found.get("ready", True), found.get("message", ""))

    def body(self) -> dict[str, Any]:
        """As Kubernetes stores it."""
        return _filled(session=self.session, message=self.message) | {"ready": self.ready}


@dataclass(frozen=True, slots=True)
class Resources:
    """CPU and memory limits asked for by the spec, allocated by the node, and in force in the container."""

    requested: Mapping[str, str] = field(default_factory=dict)
    allocated: Mapping[str, str] = field(default_factory=dict)
    actual: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resize:
    """Whether the size that the spec names is in force, and the sentence about it."""

    state: ResizeState
    reason: Reason
    message: str

    def body(self) -> dict[str, str]:
        """The answer as Kubernetes stores it."""
        return {"state": str(self.state), "reason": str(self.reason), "message": self.message}


@dataclass(frozen=True, slots=True)
class Status:
    """What the operator says about a Notebook.

    The rest of the stored status, how much memory and disk is in use and what was killed for it, is the hub's.
    """

    phase: Phase | None = None  # None: the operator has not looked yet
    message: str = ""
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()
    url: str = ""
    session: str = ""
    node: str = ""
    image: str = ""
    instance_type: str = ""  # the size that the running server was last asked to be
    principal: str = ""
    resources: Resources = field(default_factory=Resources)
    resize: Resize | None = None
    memory_limit: str = ""
    started_at: str = ""  # of the container that runs
    will_stop_at: str = ""  # unless something happens in the server before
    volumes: tuple[Volume, ...] = ()
    projects: tuple[MountedProject, ...] = ()

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read ``status``; what another version of the operator said in words unknown here is left out."""
        resources = body.get("resources", {})
        phase = body.get("phase")
        return cls(
            phase=Phase(phase) if phase in set(Phase) else None,
            message=body.get("message", ""),
            observed_generation=body.get("observedGeneration", 0),
            conditions=parse_conditions(body),
            url=body.get("url", ""),
            session=body.get("session", ""),
            node=body.get("node", ""),
            image=body.get("image", ""),
            instance_type=body.get("instanceType", ""),
            principal=body.get("principal", ""),
            resources=Resources(*(resources.get(key, {}) for key in ("requested", "allocated", "actual"))),
            resize=_resize(body.get("resize", {})),
            memory_limit=body.get("memory", {}).get("limit", ""),
            started_at=body.get("startedAt", ""),
            will_stop_at=body.get("willStopAt", ""),
            volumes=tuple(
                Volume(each["name"], each.get("claim", ""), each.get("phase", ""), each.get("size", ""))
                for each in body.get("volumes", ())
            ),
            projects=tuple(
                MountedProject(each["name"], each.get("writable", False)) for each in body.get("projects", ())
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
            "instanceType": self.instance_type,
            "principal": self.principal,
            "resources": _filled(
                requested=dict(self.resources.requested),
                allocated=dict(self.resources.allocated),
                actual=dict(self.resources.actual),
            ),
            "resize": self.resize.body() if self.resize else None,
            "memory": _filled(limit=self.memory_limit),
            "startedAt": self.started_at,
            "willStopAt": self.will_stop_at,
            "volumes": [
                _filled(name=each.name, claim=each.claim, phase=each.phase, size=each.size)
                for each in self.volumes
            ],
            "projects": [{"name": each.name, "writable": each.writable} for each in self.projects],
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


def _disk_uses(volumes: Iterable[Body]) -> dict[str, DiskUse]:
    found = {}
    for each in volumes:
        with contextlib.suppress(KeyError, ValueError):
            found[each["name"]] = DiskUse(int(each["used"]), int(each["fileSystem"]))
    return found


def _resize(body: Body) -> Resize | None:
    if body.get("state") not in set(ResizeState) or body.get("reason") not in set(Reason):
        return None
    return Resize(ResizeState(body["state"]), Reason(body["reason"]), body.get("message", ""))


def _filled(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - values of any JSON type pass through
    return {key: value for key, value in fields.items() if value not in ("", None, [], {})}
