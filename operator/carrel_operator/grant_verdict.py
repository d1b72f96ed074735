"""What to say of a project's grants: one condition, whose sentence names the dataset and what mends it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from carrel_operator.api import Condition, ConditionType, Grant, Reason
from carrel_operator.conditions import dated

_TOLD = 3  # failures in one sentence, and entries in one Event


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something could not be granted or taken back."""

    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class Parties:
    """Who talks to whom."""

    operator: str  # as the warehouse names it
    warehouse: str  # its address

    def failure(self, reason: Reason, dataset: str, detail: str) -> Failure:
        """The sentence for what the warehouse answered."""
        return Failure(reason, self._sentence(reason, dataset, detail))

    def _sentence(self, reason: Reason, dataset: str, detail: str) -> str:
        project, _, name = dataset.rpartition(".")
        match reason:
            case Reason.DATASET_NOT_FOUND:
                return (
                    f"The dataset '{dataset}' does not exist; make it with bq mk --dataset {project}:{name}, "
                    "or take it out of spec.warehouse.datasets."
                )
            case Reason.NO_PERMISSION:
                return (
                    f"The operator may not say who uses '{dataset}'; grant it roles/bigquery.dataOwner on "
                    f"{project}:{name}, to the principal {self.operator}."
                )
            case Reason.SIGN_IN_FAILED:
                return (
                    f"The operator can't sign in to the warehouse as {self.operator} ({detail}); "
                    "check warehouse.google in the platform's values."
                )
            case Reason.GRANT_REFUSED:
                return (
                    f"The warehouse refuses the grants on '{dataset}' ({detail}); "
                    "correct the members, or warehouse.google.principal in the platform's values."
                )
            case _:
                return (
                    f"The warehouse at {self.warehouse} can't be reached ({detail}), so '{dataset}' is as it was; "
                    "it is tried again within a minute."
                )


def verdict(
    wishes: Collection[Grant], failures: Sequence[Failure], let_go_at: datetime | None
) -> Condition | None:
    """The condition; None where nothing is wanted and nothing is left. ``let_go_at``: of a project that is deleted."""
    if failures:
        sentences = list(dict.fromkeys(each.sentence for each in failures))
        more = f" And {len(sentences) - _TOLD} more." if len(sentences) > _TOLD else ""
        end = (
            f" The project goes at {let_go_at:%H:%M} UTC all the same; what is granted then stays."
            if let_go_at
            else ""
        )
        message = " ".join(sentences[:_TOLD]) + more + end
        return _condition(status=False, reason=failures[0].reason, message=message)
    if not wishes:
        return None
    datasets, principals = len({each.dataset for each in wishes}), len({each.principal for each in wishes})
    message = (
        f"The project's own server and the members that are known, {principals} in all, "
        f"have {datasets} {'dataset' if datasets == 1 else 'datasets'}."
    )
    return _condition(status=True, reason=Reason.GRANTED, message=message)


def impossible(reason: Reason, sentence: str) -> Condition:
    """The condition of wishes that no warehouse can fulfil."""
    return _condition(status=False, reason=reason, message=sentence)


def since(
    condition: Condition | None, before: Condition | None, generation: int, now: datetime
) -> Condition | None:
    """The same with its time, which stays where the answer does."""
    if condition is None:
        return None
    (found,) = dated((condition,), (before,) if before else (), generation, now)
    return found


def left_behind(entries: Collection[Grant]) -> str:
    """Names some of the entries that nobody takes back."""
    named = [f"{each.role} of {each.dataset} for {each.principal}" for each in sorted(entries)]
    more = f" and {len(named) - _TOLD} more, which the operator's log names" if len(named) > _TOLD else ""
    return (
        f"The warehouse did not let the operator take back what it had granted: {', '.join(named[:_TOLD])}{more}. "
        "Take it back by hand."
    )


def _condition(*, status: bool, reason: Reason, message: str) -> Condition:
    return Condition(ConditionType.DATASETS_GRANTED, status=status, reason=reason, message=message)
