"""What the hub is told of disks: what has changed, and not every breath of it."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carrel_lab.guard import reporter as module
from carrel_lab.guard.notices import Notices
from carrel_lab.guard.reporter import Reporter
from support.cluster import eventually

HALF_A_MINUTE = 30.0


class Listener:
    """A hub that keeps what it is told."""

    def __init__(self) -> None:
        self.reports: list[dict[str, Any]] = []

    def report(self, report: dict[str, Any]) -> None:
        self.reports.append(report)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Of disks that are so full (per mille, half a minute apart), those that the hub was told of."""

    def tell(*fullness: int, projects: bool = False) -> list[int]:
        disks = {"used": 0, "size": 1000}
        monkeypatch.setattr(module, "_disk", lambda _: dict(disks))
        hub, shared = Listener(), tmp_path / "projects"
        if projects:
            (shared / "sales").mkdir(parents=True)
        reporter = Reporter(hub, Notices(), tmp_path, shared)  # type: ignore[arg-type]
        before = set(threading.enumerate())
        for number, used in enumerate(fullness):
            disks["used"] = used
            reporter.maybe(number * HALF_A_MINUTE, 0, 0)
            eventually("all is sent", lambda: before.issuperset(threading.enumerate()), 5, every=0.001)
        if projects:
            return [each["projects"]["sales"]["used"] for each in hub.reports if "projects" in each]
        return [each["home"]["used"] for each in hub.reports if "home" in each]

    return tell


@pytest.mark.parametrize(
    ("fullness", "reported"),
    [
        ((500, 500, 500), [500]),
        ((499, 501, 499, 501), [499]),  # around a whole percent
        ((500, 504, 508, 511), [500, 511]),  # slowly, but for good
        ((500, 489), [500, 489]),
        ((845, 851, 849, 851), [845, 851]),  # the warning is told at once, and once
    ],
)
def test_a_disk_is_told_when_it_has_moved_by_a_percent(
    told: Callable[..., list[int]], fullness: tuple[int, ...], reported: list[int]
) -> None:
    assert told(*fullness) == reported


def test_disks_of_projects_likewise(told: Callable[..., list[int]]) -> None:
    assert told(499, 501, 511, projects=True) == [499, 511]
