"""What a benchmark found, as a table on the screen and in build/bench.txt."""

from collections.abc import Iterable, Sequence
from pathlib import Path

REPORT = Path(__file__).parents[2] / "build" / "bench.txt"


def percentile(values: Iterable[float], percent: float) -> float:
    """The value below which that share of the values lies, between the two nearest."""
    ordered = sorted(values)
    position = (len(ordered) - 1) * percent / 100
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def half(values: Iterable[float]) -> float:
    """The median."""
    return percentile(values, 50)


def report(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, and keep it."""
    cells = [list(header), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    lines = [_line(row, widths) for row in cells]
    text = "\n".join([f"\n{title}", lines[0], "-" * len(lines[0]), *lines[1:]])
    print(text, flush=True)
    REPORT.parent.mkdir(exist_ok=True)
    with REPORT.open("a") as file:
        file.write(f"{text}\n")


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.2f}" if abs(cell) < 10 else f"{cell:,.0f}"
    return "-" if cell is None else str(cell)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = [
        cell.ljust(w) if i == 0 else cell.rjust(w)
        for i, (cell, w) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join([first, *others])
