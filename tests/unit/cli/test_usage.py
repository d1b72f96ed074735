"""What was used, as the terminal shows it."""

from typing import Any

from carrel_cli import usage

GIB = 2**30


def row(person: str, project: str = "", **more: Any) -> dict[str, Any]:
    sums = {"bytes": GIB, "queries": 2, "query_cost": 0.5, "pod_hours": 1.5, "pod_cost": 0.25, "cost": 0.75}
    return {"day": "2026-11-28", "person": person, "project": project, "notebook": person, **sums, **more}


def told(*rows: dict[str, Any], project: str = "") -> list[list[str]]:
    found = {"since": "2026-11-01", "currency": "$", "rows": list(rows)}
    return [line.split() for line in usage.lines(found, project)]


def test_the_dearest_comes_first_and_the_sum_last() -> None:
    table = told(row("ada"), row("ada"), row("alan", "risk", cost=9.0), row("alan", bytes=0, cost=0.001))
    assert table == [
        ["PERSON", "PROJECT", "QUERIES", "READ", "QUERY", "COST", "HOURS", "SERVER", "COST", "COST"],
        ["alan", "risk", "2", "1.0", "GiB", "$0.50", "1.5", "$0.25", "$9.00"],
        ["ada", "4", "2.0", "GiB", "$1.00", "3.0", "$0.50", "$1.50"],
        ["alan", "2", "0", "bytes", "$0.50", "1.5", "$0.25", "under", "$0.01"],
        ["8", "3.0", "GiB", "$2.00", "6.0", "$1.00", "$10.50"],
    ]


def test_one_project_alone() -> None:
    table = told(row("ada"), row("alan", "risk"), project="risk")
    assert [line[0] for line in table] == ["PERSON", "alan", "2"]


def test_nothing_is_a_sentence() -> None:
    found: dict[str, Any] = {"since": "2026-11-01", "currency": "$", "rows": []}
    assert list(usage.lines(found)) == ["Nothing was used since 2026-11-01."]
    assert list(usage.lines(found, "risk")) == ["Nothing was used since 2026-11-01 for project risk."]
