"""What the hub is told of memory and disk: seldom, coarsely, and at once when something was stopped."""

import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from carrel_lab import projects
from carrel_lab.guard.hub import Hub, HubError
from carrel_lab.guard.notices import Kill, Kind, Notices, size

log = logging.getLogger(__name__)

_SECONDS = 30.0
_PAUSES = (0.0, 3.0, 10.0, 60.0)  # before each try; the hub takes one report every two seconds
_WORTH_TELLING = 1.05  # times the peak that was told last
_REMARKABLE = 0.5  # of the limit; a server at rest is nothing to write about
_NEARLY_FULL = 85
_RELIEVED = 80
_NEWS = 1  # percent of a disk: others write to a shared one all the time
_GROWN = 1.1  # some file systems call themselves a little larger or smaller from day to day


class Reporter:
    """Speaks to the hub; a hub that is away misses a report and nothing else."""

    def __init__(
        self, hub: Hub | None, notices: Notices, home: Path, projects: Path = projects.MOUNTED
    ) -> None:
        self._hub, self._notices, self._home, self._projects = hub, notices, home, projects
        self._percents: dict[str, float] = {}
        self._measuring: threading.Thread | None = None
        self._last = float("-inf")
        self._peak = 0
        self._percent = float("-inf")
        self._size = 0
        self._warned = False

    def home(self) -> dict[str, int] | None:
        """Bytes of the disk that the home is on; None where that can't be told."""
        return _disk(self._home)

    def maybe(self, at: float, peak: int, limit: int) -> None:
        """Report what has changed, if it is time to."""
        if at - self._last < _SECONDS:
            return
        self._last = at
        report: dict[str, Any] = {}
        if peak > max(self._peak * _WORTH_TELLING, limit * _REMARKABLE):
            self._peak = peak
            report["memory"] = {"peak": peak}
        if home := self.home():
            percent = _percent(home)
            warned = self._warn(percent, home)
            self._tell_growth(home["size"])
            if warned or abs(percent - self._percent) >= _NEWS:
                self._percent = percent
                report["home"] = home
        if report:
            threading.Thread(target=self._send, args=(report,), daemon=True).start()
        if self._projects.is_dir() and not (self._measuring and self._measuring.is_alive()):
            self._measuring = threading.Thread(target=self._measure_projects, daemon=True)
            self._measuring.start()

    def kill(self, kill: Kill) -> None:
        """Report the end of something; this one is worth trying again."""
        report = {"memory": {"peak": kill.peak, "last_kill": kill.body()}}
        threading.Thread(target=self._insist, args=(report,), daemon=True).start()

    def _measure_projects(self) -> None:
        """In a thread of its own: a shared disk that hangs must not make the guard blind."""
        found = {each.name: disk for each in self._projects.iterdir() if (disk := _disk(each))}
        percents = {name: _percent(disk) for name, disk in found.items()}
        if self._is_news(percents) and self._insist({"projects": found}):
            self._percents = percents

    def _is_news(self, percents: dict[str, float]) -> bool:
        if percents.keys() != self._percents.keys():
            return True
        return any(abs(percent - self._percents[name]) >= _NEWS for name, percent in percents.items())

    def _insist(self, report: dict[str, Any]) -> bool:
        for pause in _PAUSES:
            time.sleep(pause)
            if self._send(report):
                return True
        return False

    def _warn(self, percent: float, home: dict[str, int]) -> bool:
        """Whether the person was warned just now."""
        if percent < _RELIEVED:
            self._warned = False
        if percent < _NEARLY_FULL or self._warned:
            return False
        self._warned = True
        free = size(home["size"] - home["used"])
        self._notices.say(
            Kind.DISK, f"The home is {int(percent)} % full, {free} are left. Remove what you don't need."
        )
        return True

    def _tell_growth(self, now: int) -> None:
        if now > self._size * _GROWN > 0:
            self._notices.say(Kind.DISK, f"The home has grown to {size(now)}.")
        self._size = now

    def _send(self, report: dict[str, Any]) -> bool:
        if self._hub is None:
            return True
        try:
            self._hub.report(report)
        except HubError as error:
            log.info("The hub was not told of memory and disk: %s", error)
            return False
        return True


def _percent(disk: dict[str, int]) -> float:
    return disk["used"] * 100 / disk["size"]


def _disk(folder: Path) -> dict[str, int] | None:
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    total = found.f_blocks * found.f_frsize
    return {"used": total - found.f_bavail * found.f_frsize, "size": total} if total else None
