"""The time of a condition stays where its answer does."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from carrel_operator.api import Condition


def dated(
    conditions: Iterable[Condition], previous: Iterable[Condition], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """The conditions with the generation they speak of, and since when each answer is what it is."""
    known = {each.type: each for each in previous}
    found = []
    for condition in conditions:
        before = known.get(condition.type)
        same = before is not None and before.status == condition.status
        since = (
            before.last_transition_time
            if before and same
            else now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        )
        found.append(replace(condition, observed_generation=generation, last_transition_time=since))
    return tuple(found)
