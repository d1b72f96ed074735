"""What the gateway keeps of the queries that go through it: the ledger's charges, and what is about to become one."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from carrel_warehouse.gateway import labels, verdict
from carrel_warehouse.gateway.payers import Payer
from carrel_warehouse.gateway.witnesses import Sighting
from carrel_warehouse.ledger.store import Charge, Ledger


@dataclass(frozen=True)
class Begun:
    """A query on its way into the warehouse."""

    payer: Payer
    processed: int  # by its dry run; 0 where nobody asked
    cell: str = ""
    document: str = ""


class Book:
    """Reads and writes the ledger; what is on its way counts as spent, so that many at once can't overdraw."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._on_the_way: defaultdict[tuple[str, str], int] = defaultdict(int)

    def spent(self, payer: Payer) -> int:
        """The bytes of today that count against the payer's budget."""
        person = "" if payer.project else payer.person
        today = datetime.now(UTC).date()
        counted = self._ledger.spent(today, person=person, project=payer.project)
        return counted + self._on_the_way[person, payer.project]

    @contextmanager
    def on_the_way(self, begun: Begun) -> Iterator[None]:
        """Count a query until the ledger has it, or it came to nothing."""
        whose = "" if begun.payer.project else begun.payer.person, begun.payer.project
        cost = verdict.billed(begun.processed)
        self._on_the_way[whose] += cost
        try:
            yield
        finally:
            self._on_the_way[whose] -= cost
            if not self._on_the_way[whose]:
                del self._on_the_way[whose]

    def begin(self, begun: Begun, seen: Sighting) -> None:
        """Write down a query that the warehouse has taken."""
        if self._ledger.find(seen.billing_project, seen.location, seen.job):
            self.see(seen)  # sent again by a client that missed the answer
            return
        now = datetime.now(UTC)
        estimate = verdict.billed(begun.processed or seen.processed)
        self._ledger.write(
            Charge(
                billing_project=seen.billing_project,
                job=seen.job,
                location=seen.location,
                day=now.date(),
                at=now,
                person=begun.payer.person,
                project=begun.payer.project,
                notebook=begun.payer.notebook,
                cell=begun.cell or seen.labels.get(labels.CELL, ""),
                document=begun.document or seen.labels.get(labels.DOCUMENT, ""),
                processed=seen.processed or begun.processed,
                billed=estimate if seen.billed is None else seen.billed,
                state=seen.state,
            )
        )

    def see(self, seen: Sighting) -> None:
        """Write down what became of a query; of others that did not come through here, nothing."""
        known = self._ledger.find(seen.billing_project, seen.location, seen.job)
        if known is None or seen.state == "RUNNING":
            return
        told = verdict.billed(seen.processed) if seen.billed is None else seen.billed
        new = replace(known, state=seen.state, processed=seen.processed, billed=told)
        if new != known:
            self._ledger.write(new)

    def is_running(self, billing_project: str, location: str, job: str) -> bool:
        """Whether a query that came through here has not been seen to end."""
        known = self._ledger.find(billing_project, location, job)
        return known is not None and known.state == "RUNNING"
