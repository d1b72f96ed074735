"""How long servers ran: pure arithmetic over what is seen of pods and until when each is counted."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from carrel_warehouse.ledger.store import Time

Counted = dict[str, datetime]  # by a pod's uid, until when


@dataclass(frozen=True, slots=True)
class Run:
    """One pod of a notebook, from when a node took it in; `ended` is None while it runs."""

    pod: str
    person: str
    project: str
    notebook: str
    size: str
    price_per_hour: float
    since: datetime
    ended: datetime | None = None


def runs_to_count(before: Mapping[str, Run], seen: Iterable[Run], now: datetime) -> list[Run]:
    """What to count now, when `before` is what was seen last.

    Until now a pod had the size that it was last seen with, and one that is gone ran until now.
    """
    found = {run.pod: run for run in seen}
    lasting = [
        replace(run, size=before[pod].size, price_per_hour=before[pod].price_per_hour)
        if pod in before
        else run
        for pod, run in found.items()
    ]
    gone = [replace(run, ended=run.ended or now) for pod, run in before.items() if pod not in found]
    return [*lasting, *gone]


def count(runs: Iterable[Run], counted: Mapping[str, datetime], now: datetime) -> tuple[list[Time], Counted]:
    """The times to add, and until when the pods are counted then; what is counted already never is again."""
    times, until = [], {}
    for run in runs:
        begin = max(counted.get(run.pod, run.since), run.since)
        end = min(run.ended or now, now)
        until[run.pod] = max(begin, end)
        for day, seconds in _by_day(begin, end):
            names = (run.person, run.project, run.notebook, run.size)
            times.append(Time(day, *names, run.price_per_hour, seconds))
    return times, until


def _by_day(begin: datetime, end: datetime) -> Iterator[tuple[date, float]]:
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    while begin < end:
        midnight = datetime.combine(begin.date() + timedelta(days=1), time(), tzinfo=UTC)
        yield begin.date(), (min(midnight, end) - begin).total_seconds()
        begin = midnight
