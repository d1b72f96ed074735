"""From bytes read to bytes billed, as BigQuery rounds them.

https://cloud.google.com/bigquery/pricing#overview_of_query_pricing: up to the next MiB, and at least 10 MiB for each
table that is read.
"""

from collections.abc import Iterable
from dataclasses import dataclass

MIB = 1024**2
LEAST_PER_TABLE = 10 * MIB


@dataclass(frozen=True)
class Estimate:
    """What a query reads and costs in bytes; `precise` is False where it may be less."""

    processed: int
    billed: int
    precise: bool

    @property
    def accuracy(self) -> str:
        """The word for `totalBytesProcessedAccuracy`."""
        return "PRECISE" if self.precise else "UPPER_BOUND"


NOTHING = Estimate(0, 0, precise=True)


def estimate(tables: Iterable[int], *, precise: bool) -> Estimate:
    """The price of reading that many bytes of each table; a table of which nothing is read costs nothing."""
    read = [size for size in tables if size]
    return Estimate(sum(read), billed(read), precise)


def billed(tables: Iterable[int]) -> int:
    """The bytes billed for so many bytes of each table."""
    read = [size for size in tables if size]
    return max(-(-sum(read) // MIB) * MIB, LEAST_PER_TABLE * len(read))
