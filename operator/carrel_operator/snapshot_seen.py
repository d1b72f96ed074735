"""What is seen of a snapshot that the storage keeps of a volume."""

from dataclasses import dataclass
from datetime import datetime

from carrel_operator import api
from carrel_operator.api import Body

GROUP = "snapshot.storage.k8s.io"
API_VERSION = f"{GROUP}/v1"

BEGUN_ANNOTATION = f"{api.GROUP}/begun"  # on whatever makes a backup, pod or snapshot

_PATIENCE = 1800.0  # seconds for the storage to finish it


@dataclass(frozen=True, slots=True)
class SnapshotSeen:
    """A VolumeSnapshot that the operator made."""

    body: Body
    age: float = 0.0  # seconds since it was first seen

    @property
    def name(self) -> str:
        """Its name, by which backups are listed."""
        return str(self.body["metadata"]["name"])

    @property
    def begun(self) -> str:
        """When it was begun."""
        return str(self.body["metadata"]["annotations"][BEGUN_ANNOTATION])

    @property
    def at(self) -> datetime:
        """The same, as a moment."""
        return datetime.fromisoformat(self.begun)

    @property
    def ready(self) -> bool:
        """Whether files can be brought back from it."""
        return bool(self.body.get("status", {}).get("readyToUse"))

    @property
    def patience(self) -> float:
        """For how many seconds it may still become ready."""
        return max(_PATIENCE - self.age, 0.0)

    @property
    def complaint(self) -> str:
        """Why it is not ready: the storage tries again by itself, so it may be outdated."""
        said = str(self.body.get("status", {}).get("error", {}).get("message", "")).rstrip(".")[:300]
        return said or "the storage does not say why"

    @property
    def size(self) -> str:
        """How large a volume made of it has to be; empty if the storage does not say."""
        size = str(self.body.get("status", {}).get("restoreSize", ""))
        return "" if size == "0" else size


def is_ours(body: Body) -> bool:
    """Whether it is a backup of ours; others may make snapshots of the same volume."""
    return BEGUN_ANNOTATION in body["metadata"].get("annotations", {})


def is_leaving(body: Body) -> bool:
    """Whether it is on its way out."""
    return "deletionTimestamp" in body["metadata"]
