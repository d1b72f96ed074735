"""The sizes as a table for a terminal."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

_TITLES = ("", "SIZE", "CPU", "MEMORY", "PER HOUR", "APPLIES")


def lines(sizes: dict[str, Any]) -> Iterator[str]:
    """One line a size, then what is going on with the server's own."""
    rows = [_TITLES, *(_row(each, sizes) for each in sizes["sizes"])]
    yield from aligned(rows)
    if resize := sizes.get("resize"):
        yield ""
        yield str(resize["message"])


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of as many cells each, in columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield _line(row, widths)


def _row(size: dict[str, Any], sizes: dict[str, Any]) -> tuple[str, ...]:
    own = size["name"] == sizes["instance_type"]
    return (
        "*" if own else "",
        size["name"],
        size["cpu"],
        size["memory"],
        _price(size["price_per_hour"], sizes["currency"]),
        _applies(size, running=sizes["running"]),
    )


def _applies(size: dict[str, Any], *, running: bool) -> str:
    if not running:
        return "at the next start"
    return "live" if size["live"] else f"after a restart: {size['why']}"


def _price(price: float | None, currency: str) -> str:
    """Two decimals, or as many as a small price needs."""
    if price is None:
        return "-"
    amount = Decimal(str(price))
    cents = amount.quantize(Decimal("0.01"))
    return f"{currency}{cents if cents == amount else format(amount.normalize(), 'f')}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
