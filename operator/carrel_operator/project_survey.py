"""What was found when somebody looked through a project's files: kept on its claim, shown in its status."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

from carrel_operator import api
from carrel_operator.accounts import FIRST, LAST
from carrel_operator.api import Body

_MOST_ROUNDS = 10
_FINISHED = frozenset({"Succeeded", "Failed"})
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Example:
    """One file or folder that the team can't use as it should."""

    path: str
    uid: int
    mode: str


@dataclass(frozen=True, slots=True)
class Survey:
    """The outcome of one look; ``repair`` and ``round`` when it was the end of one round of a repair."""

    at: str
    odd: int = 0
    hidden: int = 0
    owners: tuple[int, ...] = ()
    examples: tuple[Example, ...] = ()
    complaint: str = ""
    repair: str = ""
    round: int = 0

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read it from the claim; None when there is none, or it is not ours."""
        try:
            return cls._of(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    @classmethod
    def outcome(cls, pod: Body) -> Self | None:
        """What a pod that has ended found; None while it has not."""
        status, annotations = pod.get("status", {}), pod["metadata"].get("annotations", {})
        if status.get("phase") not in _FINISHED:
            return None
        terminated: Mapping[str, Any] = next(
            (
                each["state"]["terminated"]
                for each in status.get("containerStatuses", ())
                if "terminated" in each.get("state", {})
            ),
            {},
        )
        fields = {
            "at": terminated.get("finishedAt") or pod["metadata"].get("creationTimestamp", ""),
            "repair": annotations.get(api.REPAIR_ANNOTATION, ""),
            "round": int(annotations.get(api.ROUND_ANNOTATION, "0")),
        }
        try:
            return cls._of(json.loads(terminated.get("message", "")) | fields)
        except (ValueError, TypeError, KeyError, AttributeError):
            why = status.get("message") or terminated.get("reason") or "it ended without an answer"
            return cls._of({**fields, "complaint": str(why)[:200]})

    @classmethod
    def _of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            at=str(body["at"]),
            odd=int(body.get("odd", 0)),
            hidden=int(body.get("hidden", 0)),
            owners=tuple(map(int, body.get("owners", ()))),
            examples=tuple(
                Example(str(each["path"]), int(each["uid"]), str(each["mode"]))
                for each in body.get("examples", ())
            ),
            complaint=str(body.get("complaint", "")),
            repair=str(body.get("repair", "")),
            round=int(body.get("round", 0)),
        )

    def text(self) -> str:
        """As the claim's annotation has it."""
        return json.dumps({key: value for key, value in asdict(self).items() if value})

    @property
    def people(self) -> tuple[int, ...]:
        """The numbers of people among the owners: only under these can what is theirs be mended."""
        return tuple(uid for uid in self.owners if FIRST <= uid <= LAST)

    def age(self, now: datetime) -> float:
        """Seconds since then; infinite when the time can't be read or is still to come, as after a clock's jump."""
        try:
            at = datetime.strptime(self.at, _TIME).replace(tzinfo=UTC)
        except ValueError:
            return float("inf")
        seconds = (now - at).total_seconds()
        return seconds if seconds >= 0 else float("inf")

    def ends_the_repair(self, before: "Survey | None") -> bool:
        """Whether another round would change nothing: nothing is left to mend, or this one mended nothing."""
        if not self.people or self.complaint or self.round >= _MOST_ROUNDS:
            return True
        return bool(
            before and before.repair == self.repair and (before.odd, before.owners) == (self.odd, self.owners)
        )
