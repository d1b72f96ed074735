"""Whether a query may run, and what it may cost at most: pure arithmetic and one sentence."""

from datetime import datetime, time, timedelta

from carrel_operator.quantities import size
from carrel_warehouse.gateway.payers import Payer
from carrel_warehouse.price import Price

# https://cloud.google.com/bigquery/pricing#on_demand_pricing: by the MiB, at least 10 MiB a table
_MIB = 1024**2
_LEAST = 10 * _MIB


def billed(processed: int) -> int:
    """The least that so many bytes are billed as; each further table may add up to 10 MiB."""
    return max(-(-processed // _MIB) * _MIB, _LEAST) if processed else 0


def left(payer: Payer, spent: int) -> int | None:
    """What may still be billed today; None where there is no limit."""
    limit = payer.budget.bytes_per_day
    return None if limit is None else max(limit - spent, 0)


def most(payer: Payer, spent: int) -> int | None:
    """What one query may be billed now; None where there is no limit."""
    limits = [each for each in (payer.budget.bytes_per_query, left(payer, spent)) if each is not None]
    return min(limits, default=None)


def refusal(payer: Payer, processed: int, spent: int, price: Price, now: datetime) -> str:
    """Why a query that reads `processed` bytes may not run; empty if it may."""
    cost, budget = billed(processed), payer.budget
    would = f"This query would be billed {size(cost)}, about {price.of(cost)}"
    if budget.bytes_per_query is not None and cost > budget.bytes_per_query:
        return (
            f"{would}; one query of {payer.name} may be billed {size(budget.bytes_per_query)}. "
            f"Read fewer columns or partitions; if it has to be, {payer.raised_by} (bytesPerQuery)."
        )
    remains = left(payer, spent)
    if remains is not None and budget.bytes_per_day is not None and cost > remains:
        return (
            f"{would}; of today's {size(budget.bytes_per_day)} of {payer.name} {size(remains)} are left "
            f"until {midnight(now):%H:%M} UTC. Read fewer columns or partitions, or wait; "
            f"if it has to be today, {payer.raised_by} (bytesPerDay)."
        )
    return ""


def cap(given: object, payer: Payer, spent: int) -> str | None:
    """The job's `maximumBytesBilled`: what was asked for, but no more than may be; None for no limit.

    At least 1, because 0 could be taken for no limit, and with 1 all that is free still runs.
    """
    limit = most(payer, spent)
    asked = int(str(given)) if str(given).isascii() and str(given).isdecimal() else None
    least = min((each for each in (limit, asked) if each is not None), default=None)
    return None if least is None else str(max(least, 1) if limit is not None else least)


def midnight(now: datetime) -> datetime:
    """When a new day begins."""
    return datetime.combine(now.date() + timedelta(days=1), time(), tzinfo=now.tzinfo)
