"""What came of cloning a project's repository: kept on the claim, so that it is done once and never again."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from carrel_operator import api
from carrel_operator.api import Body, InvalidObjectError, Repository

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_LONGEST_COMPLAINT = 200
# After the first failure, the second and so on; the last one counts for all that follow.
_MINUTES_UNTIL_THE_NEXT_TRY = 1, 5, 15, 60, 360


@dataclass(frozen=True, slots=True)
class Cloning:
    """The outcome so far; no failures mean that it is done."""

    repository: Repository
    at: str = ""
    failures: int = 0
    complaint: str = ""

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read it from the claim; None when there is none, or it is not ours."""
        try:
            body = json.loads(text)
            repository = Repository.parse(body)
            return cls(repository, str(body["at"]), int(body["failures"]), str(body["complaint"]))
        except (ValueError, TypeError, KeyError, AttributeError, InvalidObjectError):
            return None

    @classmethod
    def outcome(cls, pod: Body) -> "Cloning | None":
        """What a pod tells that bears the outcome so far; None while it has not ended."""
        status, metadata = pod.get("status", {}), pod["metadata"]
        before = cls.parse(metadata.get("annotations", {}).get(api.REPOSITORY_ANNOTATION, ""))
        if before is None or status.get("phase") not in {"Succeeded", "Failed"}:
            return None
        terminated: Mapping[str, Any] = next(
            (
                each["state"]["terminated"]
                for each in status.get("containerStatuses", ())
                if "terminated" in each.get("state", {})
            ),
            {},
        )
        at = str(terminated.get("finishedAt") or metadata.get("creationTimestamp", ""))
        if status["phase"] == "Succeeded":
            return cls(before.repository, at)
        told = str(terminated.get("message") or status.get("message") or terminated.get("reason") or "")
        return cls(before.repository, at, before.failures + 1, _complaint(told))

    def text(self) -> str:
        """As the claim's annotation has it."""
        return json.dumps(
            {
                "url": self.repository.url,
                "branch": self.repository.branch,
                "at": self.at,
                "failures": self.failures,
                "complaint": self.complaint,
            }
        )

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        return not self.failures

    def next_try(self) -> datetime | None:
        """When it is tried again; None for at once, because the time of the last try can't be read."""
        try:
            at = datetime.strptime(self.at, _TIME).replace(tzinfo=UTC)
        except ValueError:
            return None
        minutes = _MINUTES_UNTIL_THE_NEXT_TRY
        return at + timedelta(minutes=minutes[min(self.failures, len(minutes)) - 1])


def _complaint(told: str) -> str:
    """The line in which git says why, without what it put before it."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    why = next((line for line in reversed(lines) if line.startswith("fatal:")), lines[-1] if lines else "")
    return why.removeprefix("fatal:").strip()[:_LONGEST_COMPLAINT] or "it ended without a word"
