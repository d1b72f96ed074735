"""What a job in the warehouse's list says: pure."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from carrel_warehouse.gateway.witnesses import sighting
from carrel_warehouse.ledger.findings import Finding

Json = dict[str, Any]

# As clusters' own principals end, and as GKE writes them.
_ACCOUNT = re.compile(r"/subject/(?:system:serviceaccount:([^:/]+):|ns/([^/]+)/sa/)([^:/]+)$")


def account(job: Json, namespace: str) -> str:
    """The name of the ServiceAccount that ran it; empty if none of that namespace did."""
    found = _ACCOUNT.search(str(job.get("principal_subject", "")))
    return found[3] if found and (found[1] or found[2]) == namespace else ""


def address(job: Json) -> str:
    """Who ran it, as the warehouse names people."""
    return str(job.get("user_email") or job.get("principal_subject") or "unknown")


def created(job: Json) -> datetime:
    """When it was begun, by the warehouse's clock."""
    milliseconds = int(job.get("statistics", {}).get("creationTime", 0))
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def finding(job: Json, owner: str) -> Finding | None:
    """What the ledger should know of it; None while it runs, and for what is no query."""
    # An entry of a list has the same parts as the job itself.
    seen = sighting(job)
    if seen is None or seen.state == "RUNNING":
        return None
    return Finding(
        billing_project=seen.billing_project,
        job=seen.job,
        location=seen.location,
        at=created(job),
        owner=owner,
        processed=seen.processed,
        billed=seen.billed or 0,
        failed=seen.state == "FAILED",
    )


def next_since(since: datetime, jobs: Iterable[tuple[datetime, bool]]) -> datetime:
    """From when to read the next time, given when each job began and whether it is over.

    It is the warehouse's clock alone that counts, so a wrong one here loses nothing.
    """
    listed = list(jobs)
    running = [at for at, over in listed if not over]
    return min(running) if running else max((at for at, _ in listed), default=since)
