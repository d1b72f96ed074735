"""What is asked for: instance types and images by the admin, Notebooks by people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from carrel_operator.api.reading import Body, InvalidObjectError, mapping, text
from carrel_operator.api.status import Activity, DiskUse, Identity, MemoryUse, Status
from carrel_operator.api.vocabulary import (
    NOTICE_ANNOTATION,
    STOPPED_BECAUSE_ANNOTATION,
    STOPPED_SESSION_ANNOTATION,
    ChangePolicy,
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of an object's metadata that Carrel reads."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    deleting: bool = False
    version: str = ""

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read the metadata of any Kubernetes object."""
        metadata = mapping(body, "metadata")
        return cls(
            name=text(metadata, "name", "metadata."),
            namespace=metadata.get("namespace", ""),
            uid=metadata.get("uid", ""),
            generation=metadata.get("generation", 0),
            deleting="deletionTimestamp" in metadata,
            version=metadata.get("resourceVersion", ""),
        )


@dataclass(frozen=True, slots=True)
class Share:
    """How much of one resource a container is promised, and how much it may use; Kubernetes quantities."""

    request: str
    limit: str

    @classmethod
    def parse(cls, spec: Body, name: str) -> Self:
        """Read ``spec.<name>``; a missing request is the limit, and a plain number is a quantity too."""
        share = mapping(spec, name, "spec.")
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
    grow_to: str = ""  # the size for automatic growth; empty: none
    idle_timeout: str = ""  # such as 30m, or never; empty: as long as the release says
    apply_changes: ChangePolicy = ChangePolicy.LIVE
    order: int = 0

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read an InstanceType object; InvalidObjectError names the field that is missing."""
        name, spec = Metadata.parse(body).name, mapping(body, "spec")
        gpu = spec.get("gpu")
        return cls(
            name=name,
            cpu=Share.parse(spec, "cpu"),
            memory=Share.parse(spec, "memory"),
            display_name=spec.get("displayName") or name,
            description=spec.get("description", ""),
            gpu=Gpu(text(gpu, "resource", "spec.gpu."), gpu.get("count", 1)) if gpu else None,
            node_selector=spec.get("nodeSelector", {}),
            tolerations=tuple(spec.get("tolerations", ())),
            price_per_hour=spec.get("pricePerHour"),
            allowed_groups=tuple(spec.get("allowedGroups", ())),
            grow_to=spec.get("growTo", ""),
            idle_timeout=spec.get("idleTimeout", ""),
            apply_changes=ChangePolicy(spec.get("applyChanges", ChangePolicy.LIVE)),
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
        name, spec = Metadata.parse(body).name, mapping(body, "spec")
        deprecated = spec.get("deprecated")
        return cls(
            name=name,
            image=text(spec, "image", "spec."),
            display_name=spec.get("displayName") or name,
            description=spec.get("description", ""),
            allowed_groups=tuple(spec.get("allowedGroups", ())),
            default=spec.get("default", False),
            deprecated=deprecated.get("message", "") if deprecated is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Notebook:
    """One server of one person or project."""

    metadata: Metadata
    owner: str
    instance_type: str
    image: str
    owner_groups: frozenset[str] = frozenset()
    server: str = ""
    project: str = ""  # whose server it is; empty: a person's
    session: str = ""
    running: bool = False
    home_size: str | None = None
    rescue: bool = False
    environment_secret: str | None = None
    notice: str = ""  # why the hub had this session's server made anew
    keep_until: str = ""  # no idle stop before
    keep_asked_at: str = ""  # when that was said
    stopped_because: str = ""  # why this session was stopped, when it was not its owner who did
    status: Status = field(default_factory=Status)
    home_use: DiskUse | None = None
    activity: Activity | None = None
    identity: Identity | None = None
    memory_use: MemoryUse = field(default_factory=MemoryUse)
    project_use: Mapping[str, DiskUse] = field(default_factory=dict)  # by the project's name

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read a Notebook object; InvalidObjectError names the field that is missing."""
        spec = mapping(body, "spec")
        return cls(
            metadata=Metadata.parse(body),
            owner=text(spec, "owner", "spec."),
            instance_type=text(spec, "instanceType", "spec."),
            image=text(spec, "image", "spec."),
            owner_groups=frozenset(spec.get("ownerGroups", ())),
            server=spec.get("server", ""),
            project=spec.get("project", ""),
            session=spec.get("session", ""),
            running=spec.get("running", False),
            home_size=spec.get("homeSize"),
            rescue=spec.get("rescue", False),
            environment_secret=spec.get("environmentSecret"),
            notice=_notice(body, spec.get("session", "")),
            keep_until=spec.get("keepUntil", ""),
            keep_asked_at=spec.get("keepAskedAt", ""),
            stopped_because=_stopped_because(body),
            status=Status.parse(body.get("status", {})),
            home_use=DiskUse.parse(body.get("status", {}), "home"),
            activity=Activity.parse(body.get("status", {})),
            identity=Identity.parse(body.get("status", {})),
            memory_use=MemoryUse.parse(body.get("status", {})),
            project_use=DiskUse.of_projects(body.get("status", {})),
        )

    @property
    def name(self) -> str:
        """The object's name."""
        return self.metadata.name

    @property
    def locked_out(self) -> str:
        """Why this session's queries do not get into the warehouse; empty when they do, or nothing was said."""
        found = self.identity
        return found.message if found and not found.ready and found.session == self.session else ""


def _notice(body: Body, session: str) -> str:
    """What the hub says of this session; of a former one it is old news."""
    said = mapping(body, "metadata").get("annotations", {}).get(NOTICE_ANNOTATION, "")
    of_session, _, sentence = said.partition(" ")
    return str(sentence) if session and of_session == session else ""


def _stopped_because(body: Body) -> str:
    """What was said of another session, or of one that runs, is no longer true."""
    annotations, spec = body["metadata"].get("annotations", {}), body["spec"]
    of_this_session = annotations.get(STOPPED_SESSION_ANNOTATION) == spec.get("session", "")
    stopped = of_this_session and not spec.get("running", False)
    return str(annotations.get(STOPPED_BECAUSE_ANNOTATION, "")) if stopped else ""
