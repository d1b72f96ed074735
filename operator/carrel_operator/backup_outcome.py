"""What a pod that backed up or restored has to tell, as the status of the object that it worked for."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from carrel_operator import api
from carrel_operator.api import BackupStatus, Body, RestorePhase, RestoreStatus, Snapshot, SnapshotKind
from carrel_operator.backup_seen import has_ended, outcome_message
from carrel_operator.snapshot_seen import BEGUN_ANNOTATION, SnapshotSeen

# What the pod or the snapshot was made for, on it, so that an operator that comes back knows.
REQUEST_ANNOTATION = f"{api.GROUP}/answers-request"
START_ANNOTATION = f"{api.GROUP}/answers-start"
USES_ANNOTATION = f"{api.GROUP}/uses"

_LONGEST_MESSAGE = 1000
_PATIENCE = 1800.0  # seconds for a pod to find a node and its image


@dataclass(frozen=True, slots=True)
class Wait:
    """That a pod has not ended yet, and when to look again if only time can tell."""

    again_in: float | None


def wait_for(pod: Body, age: float) -> Wait | None:
    """Whether to wait for the pod; None when it has ended, or has found no place for too long."""
    if has_ended(pod):
        return None
    if pod.get("status", {}).get("phase", "Pending") != "Pending":
        return Wait(None)
    return Wait(_PATIENCE - age) if age < _PATIENCE else None


def backup_status(before: BackupStatus, pod: Body) -> BackupStatus:
    """The status after the pod has ended; a failure leaves what is known of the backups that there are."""
    told, message = _outcome(pod)
    attempted = _attempted(before, pod)
    if pod.get("status", {}).get("phase") != "Succeeded" or "id" not in told:
        return replace(attempted, message=f"The last backup failed. {message}")
    snapshots = [Snapshot(each["id"], each["at"]) for each in told.get("snapshots", ())]
    others = [each for each in before.snapshots if not each.of_restic]
    return replace(
        attempted,
        message=message,
        last_at=attempted.attempted_at,
        files=told["files"],
        bytes=told["bytes"],
        unreadable=told["unreadable"],
        snapshots=_newest_first([*snapshots, *others]) if snapshots else before.snapshots,
        uses=_annotations(pod).get(USES_ANNOTATION, ""),
    )


def snapshot_status(
    before: BackupStatus, made: SnapshotSeen, expired: Iterable[SnapshotSeen], there: Iterable[SnapshotSeen]
) -> BackupStatus:
    """The status after the storage has made a snapshot or failed to; ``there`` are all that it has of the volume."""
    attempted = _attempted(before, made.body)
    if not made.ready:
        return replace(
            attempted, message=f"The last backup failed. The snapshot did not become ready: {made.complaint}."
        )
    gone = {each.name for each in expired}
    kept = [
        Snapshot(each.name, each.begun, SnapshotKind.VOLUME_SNAPSHOT)
        for each in there
        if each.ready and each.name not in gone
    ]
    return replace(
        attempted,
        message="The storage keeps a snapshot of all files.",
        last_at=attempted.attempted_at,
        files=None,
        bytes=None,
        unreadable=None,
        snapshots=_newest_first([*kept, *(each for each in before.snapshots if each.of_restic)]),
        uses=_annotations(made.body).get(USES_ANNOTATION, ""),
    )


def restore_status(pod: Body, now: datetime) -> RestoreStatus:
    """The status after the pod has ended."""
    told, message = _outcome(pod)
    done = pod.get("status", {}).get("phase") == "Succeeded" and "into" in told
    phase = RestorePhase.DONE if done else RestorePhase.FAILED
    return RestoreStatus(phase, message, told.get("into", ""), stamp(now))


def stamp(moment: datetime) -> str:
    """A moment as Kubernetes writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _attempted(before: BackupStatus, of: Body) -> BackupStatus:
    annotations = _annotations(of)
    return replace(
        before,
        attempted_at=annotations.get(BEGUN_ANNOTATION, ""),
        answered_request=annotations.get(REQUEST_ANNOTATION) or before.answered_request,
        answered_start=annotations.get(START_ANNOTATION) or before.answered_start,
    )


def _annotations(of: Body) -> dict[str, str]:
    annotations: dict[str, str] = of["metadata"].get("annotations", {})
    return annotations


def _newest_first(snapshots: Iterable[Snapshot]) -> tuple[Snapshot, ...]:
    return tuple(sorted(snapshots, key=lambda each: each.moment, reverse=True))


def _outcome(pod: Body) -> tuple[dict[str, Any], str]:
    """What it left behind, and the sentence in it; a pod that was killed leaves at most some last words."""
    if not has_ended(pod):
        return {}, f"Its pod found no place within {_PATIENCE / 60:.0f} minutes: {_complaint(pod)}."
    left = outcome_message(pod)
    try:
        told = json.loads(left)
        return told, str(told["message"])[:_LONGEST_MESSAGE]
    except (ValueError, KeyError, TypeError):
        lines = [line.strip() for line in left.splitlines() if line.strip()]
        status = pod.get("status", {})
        why = lines[-1] if lines else status.get("message") or status.get("reason") or "it gave no reason"
        return {}, f"The pod ended early: {str(why).rstrip('.')[:300]}."


def _complaint(pod: Body) -> str:
    """What the scheduler or the kubelet says about a pod that does not begin."""
    status = pod.get("status", {})
    said = [each.get("message", "") for each in status.get("conditions", ()) if each["status"] == "False"]
    said += [
        each.get("state", {}).get("waiting", {}).get("message", "")
        for each in status.get("containerStatuses", ())
    ]
    return next((each.rstrip(".")[:300] for each in reversed(said) if each), "nobody says why")
