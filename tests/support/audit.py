"""What the hub and the operator asked of the API server, counted exactly: read from its own audit log."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True)
class Request:
    """One request; a watch counts once, when it is opened."""

    component: str  # hub or operator
    verb: str
    resource: str  # such as "notebooks" or "notebooks/status"
    name: str
    time: float
    code: int

    @property
    def writes(self) -> bool:
        return self.verb in WRITES

    def __str__(self) -> str:
        return f"{self.component} {self.verb} {self.resource} {self.name} ({self.code})"


def requests(log: Path, since: float, until: float = float("inf")) -> list[Request]:
    """Every request received in that time (seconds since the epoch), the oldest first."""
    found = {event["auditID"]: _request(event) for event in _events(log)}
    return sorted((each for each in found.values() if since <= each.time < until), key=lambda each: each.time)


def _events(log: Path) -> Iterator[dict[str, object]]:
    with log.open() as lines:
        for line in lines:
            if line.endswith("\n"):  # not one that is half written
                yield json.loads(line)


def _request(event: dict[str, object]) -> Request:
    reference = event.get("objectRef") or {}
    resource = "/".join(filter(None, (reference.get("resource"), reference.get("subresource"))))
    received = datetime.fromisoformat(event["requestReceivedTimestamp"])
    return Request(
        component=event["user"]["username"].rpartition(":")[2],
        verb=event["verb"],
        resource=resource or event["requestURI"],
        name=reference.get("name", ""),
        time=received.timestamp(),
        code=event.get("responseStatus", {}).get("code", 0),
    )
