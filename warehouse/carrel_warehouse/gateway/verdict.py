"""Whether a query may run, and what it may cost at most: pure arithmetic and one sentence."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from carrel_warehouse.gateway.payers import Payer

# https://cloud.google.com/bigquery/pricing#on_demand_pricing: by the MiB, at least 10 MiB a table
_MIB = 1024**2
_LEAST = 10 * _MIB
_TIB = 1024**4
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


@dataclass(frozen=True)
class Price:
    """What a TiB costs; `currency` is written in front."""

    per_tib: float
    currency: str

    def of(self, number: int) -> str:
        """An amount for people: to the cent, and never 0 for what costs something."""
        money = number * self.per_tib / _TIB
        if 0 < money < 0.01:
            return f"less than {self.currency}0.01"
        return f"{self.currency}{money:,.2f}"


def size(number: int) -> str:
    """Bytes as a person says them: ``1.2 GiB``."""
    value, unit = float(number), _UNITS[0]
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == _UNITS[0] or value >= 100 else f"{value:.1f} {unit}"


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
