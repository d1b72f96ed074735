"""What is known of a query before it is let through: its bytes, whether it may run, and what it writes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from carrel_warehouse.stand_in import limits, shims
from carrel_warehouse.stand_in.access.guard import Guard
from carrel_warehouse.stand_in.access.job_kinds import allowed
from carrel_warehouse.stand_in.history import History
from carrel_warehouse.stand_in.metering.catalogue import NotUnderstoodError
from carrel_warehouse.stand_in.metering.charges import Estimate
from carrel_warehouse.stand_in.metering.meter import LONGEST, Meter, Question
from carrel_warehouse.stand_in.metering.statements import is_query, parsed, target
from carrel_warehouse.stand_in.people import Caller
from carrel_warehouse.stand_in.records import Failure

Json = dict[str, Any]


@dataclass(frozen=True)
class Admission:
    """`changes` is True also where that can't be said; `destination` is a reference to a table; `text` is what the
    emulator is told to run.
    """

    estimate: Estimate
    failure: Failure | None
    changes: bool
    destination: Json | None
    text: str


class Gate:
    """Asks the guard about each job and the meter about each query."""

    def __init__(self, meter: Meter, guard: Guard, history: History) -> None:
        self._history = history
        self._meter = meter
        self._guard = guard

    async def check(self, caller: Caller, project: str, configuration: object) -> None:
        """Let a job's configuration pass.

        Raises:
            DeniedError: somebody may not run it.
        """
        await allowed(self._guard, caller, project, configuration)

    async def admit(self, caller: Caller, project: str, query: Mapping[str, Any]) -> Admission:
        """What is to be known of a query; it has the shape of a job's configuration or of jobs.query's body."""
        question = Question.of(project, query)
        estimate = await self._meter.estimate(question)
        changes, destination = await asyncio.to_thread(effects, question)
        return Admission(
            estimate,
            limits.exceeded(query, estimate),
            changes or bool(query.get("destinationTable")),
            destination,
            await self._history.told(caller, project, shims.translated(question.sql)),
        )


def effects(question: Question) -> tuple[bool, Json | None]:
    """Whether a query may change something, and the one table that it writes, if it is one that lasts."""
    if len(question.sql) > LONGEST:
        return True, None
    try:
        statements = parsed(question.sql)
    except NotUnderstoodError:
        return True, None
    changes = not all(is_query(each) for each in statements)
    written = target(statements[0]) if len(statements) == 1 else None
    dataset = written and (written.db or question.default.dataset)
    # A temporary table has no dataset, and a reference without one breaks Google's client.
    if written is None or not dataset:
        return changes, None
    project = written.catalog or question.default.project
    return changes, {"projectId": project, "datasetId": dataset, "tableId": written.name}
