"""How much memory this container uses and may use, from its own control group: version 1 or 2."""

import os
import weakref
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")

# What stands for "no limit" in version 1 is a little below 2^63; no machine has so much.
_NO_LIMIT = 2**60


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes; ``used`` leaves out what the kernel takes back by itself before it kills anything: cached files."""

    used: int
    limit: int | None
    oom_kills: int


class Cgroup:
    """Reads the files of one control group."""

    def __init__(self, root: Path = ROOT) -> None:
        self._v1 = (root / "memory").is_dir()
        folder = root / "memory" if self._v1 else root
        self._usage = folder / ("memory.usage_in_bytes" if self._v1 else "memory.current")
        self._limit = folder / ("memory.limit_in_bytes" if self._v1 else "memory.max")
        self._kills = folder / ("memory.oom_control" if self._v1 else "memory.events")
        self._stat = folder / "memory.stat"
        self._pressure = folder / "memory.pressure"
        prefix = "total_" if self._v1 else ""
        self._cached = (f"{prefix}inactive_file", f"{prefix}active_file")

    def read(self) -> Memory:
        """The state now; OSError where there is no such control group."""
        usage = int(self._usage.read_text())
        stat = _numbers(self._stat)
        cached = sum(stat.get(name, 0) for name in self._cached)
        limit = self._limit.read_text().strip()
        found = None if limit == "max" or int(limit) >= _NO_LIMIT else int(limit)
        return Memory(max(usage - cached, 0), found, _numbers(self._kills).get("oom_kill", 0))

    def counted(self) -> int:
        """What the control group counts at this moment, cached files too: one quick read of a file that stays open."""
        return int(os.pread(self._counter, 32, 0))

    @cached_property
    def _counter(self) -> int:
        opened = os.open(self._usage, os.O_RDONLY)
        weakref.finalize(self, os.close, opened)
        return opened

    def pressure(self) -> float | None:
        """The share of the last ten seconds, in percent, in which somebody waited for memory; None where unknown."""
        try:
            some = self._pressure.read_text().splitlines()[0].split()
        except (OSError, IndexError):
            return None
        return float(dict(each.split("=") for each in some[1:])["avg10"])


def _numbers(file: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    pairs = (line.split() for line in file.read_text().splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
