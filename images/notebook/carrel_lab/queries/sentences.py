"""What a person reads of a query, before, while and after it runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from carrel_lab.guard.notices import size

_TIB = 2**40


@dataclass(frozen=True, slots=True)
class Budget:
    """What the gateway says of the money: bytes, None for no limit; with no price, none is spoken of."""

    price_per_tib: float = 0.0
    currency: str = "$"
    per_day: int | None = None
    left_today: int | None = None


NO_BUDGET = Budget()


@dataclass(frozen=True, slots=True)
class Ended:
    """What a query has cost."""

    job: str
    seconds: float
    billed: int | None
    from_cache: bool


def estimate(reads: int, budget: Budget) -> str:
    """Before it runs."""
    sentence = f"This query reads {size(reads)}{_price(reads, budget)}"
    if budget.left_today is not None and budget.per_day is not None:
        sentence += f"; {size(budget.left_today)} of today's {size(budget.per_day)} are left"
    return f"{sentence}."


def trying_again(why: str, seconds_left: float) -> str:
    """While the warehouse does not take it."""
    return f"The query was not taken, so it is tried again for another {_time(seconds_left)}: {why}"


def not_taken(why: str, seconds: float) -> str:
    """When it was not taken for all that time. An answer may have been lost on the way, so it may run nevertheless."""
    tried = f"The query was tried for {_time(seconds)} and not taken: {why}"
    return f"{tried} Run the cell again later; if it began all the same, My queries shows it."


def running(seconds: float, reads: int | None, stages: Sequence[str], job: str) -> str:
    """While it runs; ``stages`` are the states of those that BigQuery has planned so far."""
    parts = [f"Running for {_time(seconds)}"]
    if reads:
        parts.append(size(reads))
    if stages:
        done = sum(each == "COMPLETE" for each in stages)
        parts.append(f"stage {min(done + 1, len(stages))} of {len(stages)}")
    return " · ".join([*parts, f"job {job}"])


def ended(query: Ended, budget: Budget) -> str:
    """After it ran."""
    if query.from_cache:
        cost = "the result came from the cache and nothing was billed"
    elif query.billed is None:
        cost = "BigQuery doesn't say what was billed"
    elif not query.billed:
        cost = "nothing was billed"
    else:
        cost = f"{size(query.billed)} were billed{_price(query.billed, budget)}"
    return f"Ran for {_time(query.seconds)}; {cost}. Job {query.job}."


def attached(job: str, seconds_ago: float, *, fresh: bool) -> str:
    """In place of a query that would be begun a second time."""
    sentence = f"Job {job}, begun {_time(seconds_ago)} ago, is taken up again and not billed a second time"
    return f"{sentence}; %%bigquery --fresh would begin another." if fresh else f"{sentence}."


def cancelled(job: str, seconds: float) -> str:
    """After Stop."""
    return (
        f"The query was cancelled after {_time(seconds)}; "
        f"BigQuery may bill what it had read by then. Job {job}."
    )


def not_cancelled(job: str, why: str) -> str:
    """After Stop, when BigQuery did not take it."""
    return f"You stopped waiting, but the query could not be cancelled and may run on: {why} Fetch it by: %bq_attach {job}"


def _price(reads: int, budget: Budget) -> str:
    money = reads / _TIB * budget.price_per_tib
    if not money:
        return ""
    if money < 0.005:
        return f", less than {budget.currency}0.01"
    return f", about {budget.currency}{money:,.2f}"


def _time(seconds: float) -> str:
    """``12 s``, ``3 min 5 s``, ``2 h 3 min``."""
    whole = max(round(seconds), 0)
    if whole < 1:
        return f"{max(seconds, 0):.1f} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
