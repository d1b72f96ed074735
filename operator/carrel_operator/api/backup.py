"""The backups of one volume, and what is brought back from them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from carrel_operator.api.objects import Metadata
from carrel_operator.api.reading import Body, InvalidObjectError, mapping, text


@dataclass(frozen=True, slots=True)
class Whose:
    """A person's home or a project's files: exactly one of the two is named."""

    owner: str = ""
    project: str = ""

    @classmethod
    def parse(cls, spec: Body) -> Self:
        """Read it from a spec; InvalidObjectError when it names nobody, or both."""
        owner, project = spec.get("owner", ""), spec.get("project", "")
        if bool(owner) == bool(project):
            message = "spec must name either an owner or a project"
            raise InvalidObjectError(message)
        return cls(owner, project)

    def body(self) -> dict[str, str]:
        """As a spec says it."""
        return {"owner": self.owner} if self.owner else {"project": self.project}


class SnapshotKind(StrEnum):
    """What keeps a backup."""

    RESTIC = "restic"
    VOLUME_SNAPSHOT = "VolumeSnapshot"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One backup that is there."""

    id: str
    at: str  # RFC 3339
    kind: SnapshotKind = SnapshotKind.RESTIC

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read it from a status; the first ones did not say their kind."""
        return cls(body["id"], body["at"], SnapshotKind(body.get("kind", SnapshotKind.RESTIC)))

    def body(self) -> dict[str, str]:
        """As a status says it."""
        return {"id": self.id, "at": self.at, "kind": str(self.kind)}

    @property
    def of_restic(self) -> bool:
        """Whether restic has it."""
        return self.kind is SnapshotKind.RESTIC

    @property
    def moment(self) -> datetime:
        """When it was begun."""
        return datetime.fromisoformat(self.at)


@dataclass(frozen=True, slots=True)
class BackupStatus:
    """What the operator says of a volume's backups."""

    message: str = ""
    last_at: str = ""  # when the last good one was begun
    attempted_at: str = ""  # when one was last tried
    files: int | None = None  # these three of restic: a snapshot of the storage is of all there is
    bytes: int | None = None
    unreadable: int | None = None
    snapshots: tuple[Snapshot, ...] = ()  # newest first
    answered_request: str = ""  # the annotation of the claim that was last answered …
    answered_start: str = ""  # … and the session whose start was
    uses: str = ""  # what had used the volume by then; empty when something did at that moment

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read ``status``."""
        return cls(
            message=body.get("message", ""),
            last_at=body.get("lastAt", ""),
            attempted_at=body.get("attemptedAt", ""),
            files=body.get("files"),
            bytes=body.get("bytes"),
            unreadable=body.get("unreadable"),
            snapshots=tuple(Snapshot.parse(each) for each in body.get("snapshots", ())),
            answered_request=body.get("answeredRequest", ""),
            answered_start=body.get("answeredStart", ""),
            uses=body.get("uses", ""),
        )

    def body(self) -> dict[str, Any]:
        """The status as Kubernetes stores it, without what is empty."""
        fields: dict[str, Any] = {
            "message": self.message,
            "lastAt": self.last_at,
            "attemptedAt": self.attempted_at,
            "files": self.files,
            "bytes": self.bytes,
            "unreadable": self.unreadable,
            "snapshots": [each.body() for each in self.snapshots],
            "answeredRequest": self.answered_request,
            "answeredStart": self.answered_start,
            "uses": self.uses,
        }
        return {key: value for key, value in fields.items() if value not in ("", [], None)}


@dataclass(frozen=True, slots=True)
class VolumeBackup:
    """The backups of one volume."""

    metadata: Metadata
    whose: Whose
    claim: str
    status: BackupStatus = field(default_factory=BackupStatus)

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read a VolumeBackup object; InvalidObjectError names the field that is wrong."""
        spec = mapping(body, "spec")
        return cls(
            metadata=Metadata.parse(body),
            whose=Whose.parse(spec),
            claim=text(spec, "claim", "spec."),
            status=BackupStatus.parse(body.get("status", {})),
        )

    @property
    def attempted(self) -> datetime | None:
        """When a backup was last tried."""
        return datetime.fromisoformat(self.status.attempted_at) if self.status.attempted_at else None


class RestorePhase(StrEnum):
    """How far a restore is, in one word."""

    WAITING = "Waiting"
    RUNNING = "Running"
    DONE = "Done"
    FAILED = "Failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens."""
        return self in {RestorePhase.DONE, RestorePhase.FAILED}


@dataclass(frozen=True, slots=True)
class RestoreStatus:
    """What became of a restore."""

    phase: RestorePhase | None = None
    message: str = ""
    into: str = ""  # where the files are, as seen from the top of the volume
    finished_at: str = ""

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read ``status``."""
        phase = body.get("phase")
        return cls(
            phase=RestorePhase(phase) if phase in set(RestorePhase) else None,
            message=body.get("message", ""),
            into=body.get("into", ""),
            finished_at=body.get("finishedAt", ""),
        )

    def body(self) -> dict[str, str]:
        """The status as Kubernetes stores it, without what is empty."""
        fields = {
            "phase": str(self.phase or ""),
            "message": self.message,
            "into": self.into,
            "finishedAt": self.finished_at,
        }
        return {key: value for key, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class VolumeRestore:
    """That one file or folder is to be brought back, and what became of it."""

    metadata: Metadata
    whose: Whose
    path: str
    as_of: str = ""
    requested_by: str = ""
    status: RestoreStatus = field(default_factory=RestoreStatus)

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read a VolumeRestore object; InvalidObjectError names the field that is wrong."""
        spec = mapping(body, "spec")
        return cls(
            metadata=Metadata.parse(body),
            whose=Whose.parse(spec),
            path=text(spec, "path", "spec."),
            as_of=spec.get("asOf", ""),
            requested_by=spec.get("requestedBy", ""),
            status=RestoreStatus.parse(body.get("status", {})),
        )

    @property
    def name(self) -> str:
        """The object's name."""
        return self.metadata.name
