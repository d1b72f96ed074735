"""What a path typed in a terminal means, and what is said of backups and restores."""

from typing import Any

import pytest

from carrel_cli.hub import HubError
from carrel_cli.restoring import Place, lines, place, restore_step

HOME = "/home/ada"


@pytest.mark.parametrize(
    ("typed", "folder", "found"),
    [
        ("a.ipynb", HOME, Place("a.ipynb")),
        ("a.ipynb", f"{HOME}/work", Place("work/a.ipynb")),
        ("../a.ipynb", f"{HOME}/work", Place("a.ipynb")),
        (f"{HOME}/work/", "/tmp", Place("work")),  # noqa: S108
        (".", HOME, Place(".")),
        ("b.csv", "/projects/sales/deep", Place("deep/b.csv", "sales")),
        ("projects/sales/b.csv", HOME, Place("b.csv", "sales")),
        ("/projects/sales", HOME, Place(".", "sales")),
        ("..x", HOME, Place("..x")),
    ],
)
def test_a_path_means_what_it_means_to_ls(typed: str, folder: str, found: Place) -> None:
    assert place(typed, "", folder, HOME) == found


@pytest.mark.parametrize("typed", ["/etc/passwd", "../alan/x", "/projects"])
def test_a_path_elsewhere_is_refused(typed: str) -> None:
    with pytest.raises(HubError, match="in no home and in no project"):
        place(typed, "", HOME, HOME)


def test_on_another_machine_and_for_a_project_it_is_meant_as_typed() -> None:
    assert place("work/a.ipynb", "", "/root", "") == Place("work/a.ipynb")
    assert place("b.csv", "sales", HOME, HOME) == Place("b.csv", "sales")


ANSWER: dict[str, Any] = {
    "files": [
        {
            "project": "",
            "message": "3 files are backed up.",
            "snapshots": [{"id": "a", "at": "2026-11-26T02:30:05Z"}],
        },
        {"project": "sales", "message": "There is no backup yet.", "snapshots": []},
    ]
}


def test_the_dates_are_listed_with_what_is_said_of_the_last() -> None:
    [date, said] = lines(ANSWER, "")
    assert date.startswith("2026-11-2")
    assert said == "3 files are backed up."
    assert list(lines(ANSWER, "sales")) == ["There is no backup yet."]
    with pytest.raises(HubError, match="Those that you can: sales"):
        list(lines(ANSWER, "hr"))


@pytest.mark.parametrize(
    ("phase", "done"), [("Waiting", None), ("Running", None), ("Done", True), ("Failed", False)]
)
def test_how_far_a_restore_is(phase: str, done: bool | None) -> None:
    step = restore_step({"phase": phase, "message": "Said.", "into": "restored/x"}, HOME)
    assert step.done is done
    assert step.message == ("Said, which is /home/ada/restored/x." if done else "Said.")
