"""What was used, as a table for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from carrel_cli.table import aligned

_TITLES = ("PERSON", "PROJECT", "QUERIES", "READ", "QUERY COST", "HOURS", "SERVER COST", "COST")
_SUMS = ("queries", "bytes", "query_cost", "pod_hours", "pod_cost", "cost")
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")

Sums = dict[str, float]


def lines(found: Mapping[str, Any], project: str = "") -> Iterator[str]:
    """One line for each person and project, the dearest first, then all together."""
    rows = [row for row in found["rows"] if not project or row["project"] == project]
    if not rows:
        yield f"Nothing was used since {found['since']}{f' for project {project}' if project else ''}."
        return
    by_whose: dict[tuple[str, str], Sums] = {}
    for row in rows:
        _add(by_whose.setdefault((row["person"], row["project"]), dict.fromkeys(_SUMS, 0)), row)
    total: Sums = dict.fromkeys(_SUMS, 0)
    for row in rows:
        _add(total, row)
    dearest = sorted(by_whose.items(), key=lambda each: (-each[1]["cost"], -each[1]["bytes"], each[0]))
    table = [_cells(*whose, sums, found["currency"]) for whose, sums in dearest]
    yield from aligned([_TITLES, *table, _cells("", "", total, found["currency"])])


def _add(sums: Sums, row: Mapping[str, Any]) -> None:
    for name in _SUMS:
        sums[name] += row[name]


def _cells(person: str, project: str, sums: Sums, currency: str) -> tuple[str, ...]:
    return (
        person,
        project,
        f"{sums['queries']:,.0f}",
        _size(sums["bytes"]),
        _cost(sums["query_cost"], currency),
        f"{sums['pod_hours']:,.1f}",
        _cost(sums["pod_cost"], currency),
        _cost(sums["cost"], currency),
    )


def _size(number: float) -> str:
    value, unit = number, _UNITS[0]
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == _UNITS[0] or value >= 100 else f"{value:.1f} {unit}"


def _cost(amount: float, currency: str) -> str:
    return f"under {currency}0.01" if 0 < amount < 0.01 else f"{currency}{amount:,.2f}"
