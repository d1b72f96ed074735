"""What a pod that backed up or restored has to tell, as the status of the object that it worked for."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from carrel_operator import api
from carrel_operator.api import BackupStatus, Body, RestorePhase, RestoreStatus, Snapshot
from carrel_operator.backup_seen import has_ended, outcome_message

# What the pod was made for, on the pod, so that an operator that comes back knows.
REQUEST_ANNOTATION = f"{api.GROUP}/answers-request"
START_ANNOTATION = f"{api.GROUP}/answers-start"
USES_ANNOTATION = f"{api.GROUP}/uses"
BEGUN_ANNOTATION = f"{api.GROUP}/begun"

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
    annotations = pod["metadata"].get("annotations", {})
    attempted = replace(
        before,
        attempted_at=annotations.get(BEGUN_ANNOTATION, ""),
        answered_request=annotations.get(REQUEST_ANNOTATION) or before.answered_request,
        answered_start=annotations.get(START_ANNOTATION) or before.answered_start,
    )
    if pod.get("status", {}).get("phase") != "Succeeded" or "id" not in told:
        return replace(attempted, message=f"The last backup failed. {message}")
    snapshots = tuple(Snapshot(each["id"], each["at"]) for each in told.get("snapshots", ()))
    return replace(
        attempted,
        message=message,
        last_at=attempted.attempted_at,
        files=told["files"],
        bytes=told["bytes"],
        unreadable=told["unreadable"],
        snapshots=snapshots or before.snapshots,
        uses=annotations.get(USES_ANNOTATION, ""),
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
