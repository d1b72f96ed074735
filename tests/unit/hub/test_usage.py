"""Who sees which rows of usage, and the sums on the page."""

from datetime import date
from typing import Any

import pytest

from carrel_hub import usage
from carrel_hub.usage import Looker
from carrel_operator import quantities

TODAY = date(2026, 11, 28)
GIB = 2**30


def row(person: str, project: str = "", day: str = "2026-11-28", **more: Any) -> dict[str, Any]:
    sums = {"bytes": GIB, "queries": 2, "query_cost": 0.5, "pod_hours": 1.5, "pod_cost": 0.25, "cost": 0.75}
    return {"day": day, "person": person, "project": project, "notebook": person, **sums, **more}


ROWS = [row("ada"), row("ada", "risk"), row("alan", "risk"), row("project:risk", "risk"), row("alan")]


@pytest.mark.parametrize(
    ("looker", "seen"),
    [
        (Looker("grace", everything=True), [0, 1, 2, 3, 4]),
        (Looker("ada"), [0, 1]),
        (Looker("ada", projects={"risk"}), [0, 1, 2, 3]),
        (Looker("project:risk", projects={"risk"}), [1, 2, 3]),
        (Looker("ada", projects={""}), [0, 1]),
        (Looker("somebody"), []),
    ],
)
def test_who_sees_what(looker: Looker, seen: list[int]) -> None:
    assert [index for index, each in enumerate(ROWS) if looker.sees(each)] == seen


def test_days_and_notebooks_of_one_person_and_project_are_one_line() -> None:
    rows = [row("ada"), row("ada", day="2026-11-01", notebook="other"), row("ada", "risk", cost=9.0)]
    first, second = usage.lines(rows, TODAY)
    assert (first.person, first.project, first.cost, first.cost_today) == ("ada", "risk", 9.0, 9.0)
    assert (second.queries, second.bytes, second.pod_hours) == (4, 2 * GIB, 3.0)
    assert (second.cost, second.cost_today) == (1.5, 0.75)
    assert usage.total(rows, TODAY).cost == 10.5


def test_the_server_of_a_project_is_nobodys() -> None:
    (line,) = usage.lines([row("project:risk", "risk")], TODAY)
    assert (line.person, line.project) == ("", "risk")


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 bytes"), (1536, "1.5 KiB"), (250 * GIB, "250 GiB"), (2**62, "4096 PiB")]
)
def test_bytes(number: int, said: str) -> None:
    assert quantities.size(number) == said


@pytest.mark.parametrize(("amount", "said"), [(0, "$0.00"), (0.001, "under $0.01"), (1234.5, "$1,234.50")])
def test_money(amount: float, said: str) -> None:
    assert usage.cost(amount, "$") == said
