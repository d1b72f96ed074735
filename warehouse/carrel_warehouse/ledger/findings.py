"""What the auditor found in the warehouse's own list of jobs, and what the ledger makes of it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from carrel_operator import names
from carrel_operator.api import Project
from carrel_warehouse.ledger.store import Charge, Ledger


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One query that is over."""

    billing_project: str
    job: str
    location: str
    at: datetime  # when it was begun
    owner: str  # who ran it as the cluster knows them; an address where the cluster doesn't
    processed: int
    billed: int
    failed: bool = False


def charge(found: Finding, known: Charge | None, projects: Iterable[Project]) -> Charge:
    """The charge of it; whose a known one is stays as the gateway saw it."""
    state = "FAILED" if found.failed else "DONE"
    if known:
        return replace(known, processed=found.processed, billed=found.billed, state=state)
    at = found.at.astimezone(UTC)
    return Charge(
        billing_project=found.billing_project,
        job=found.job,
        location=found.location,
        day=at.date(),
        at=at,
        person=found.owner,
        project=_payer(found, projects),
        notebook="",
        cell="",
        document="",
        processed=found.processed,
        billed=found.billed,
        state=state,
    )


def take(ledger: Ledger, findings: Iterable[Finding], projects: Iterable[Project]) -> int:
    """Write down what the ledger doesn't have, or has otherwise; how many these were."""
    changed, known_projects = 0, list(projects)
    for found in findings:
        known = ledger.find(found.billing_project, found.location, found.job)
        new = charge(found, known, known_projects)
        if new != known:
            ledger.write(new)
            changed += 1
    return changed


def _payer(found: Finding, projects: Iterable[Project]) -> str:
    """The project whose own server it was, or that alone pays there; empty where it is the person's own account."""
    if own := names.project_of(found.owner):
        return own
    paying = [each.name for each in projects if each.warehouse.billing_project == found.billing_project]
    return min(paying, default="")
