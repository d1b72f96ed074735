"""Everything of an instance lives under one cgroup, in every hierarchy the machine has (version 1, hybrid or 2)."""

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from .problem import Problem

# The node's own programs; on version 2 a cgroup with children must hold no process itself.
NODE = "node"


@dataclass(frozen=True)
class Hierarchy:
    """One mounted cgroup tree; version 1 has several."""

    path: Path
    version: int


def hierarchies(mountinfo: str) -> list[Hierarchy]:
    """The cgroup trees in the text of /proc/self/mountinfo, without those of version 1 mounted twice."""
    found: dict[Path, Hierarchy] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind = after.split(" ")[0]
        if kind in ("cgroup", "cgroup2"):
            path = Path(before.split(" ")[4])
            found[path] = Hierarchy(path, 2 if kind == "cgroup2" else 1)
    return list(found.values())


def mounted() -> list[Hierarchy]:
    """The cgroup trees of this machine."""
    return hierarchies(Path("/proc/self/mountinfo").read_text())


def create(name: str) -> None:
    """Make the cgroup and its child for the node's programs."""
    for hierarchy in mounted():
        top = hierarchy.path / name
        for directory in (top, top / NODE):
            if hierarchy.version == 2:
                _enable_controllers(directory.parent)
            directory.mkdir(exist_ok=True)
            if hierarchy.version == 1:
                _inherit_cpuset(directory)


def join(name: str) -> None:
    """Move the calling process into the node's cgroup."""
    for hierarchy in mounted():
        (hierarchy.path / name / NODE / "cgroup.procs").write_text("0")


def processes(name: str) -> set[int]:
    """The ids of all processes of the instance, its pods included."""
    found: set[int] = set()
    for hierarchy in mounted():
        for directory, _, _ in os.walk(hierarchy.path / name):
            with contextlib.suppress(OSError):  # a pod's cgroup may go while we read
                found.update(int(pid) for pid in (Path(directory) / "cgroup.procs").read_text().split())
    return found


def remove(name: str, patience: float = 20) -> None:
    """Remove the cgroup; the kernel refuses while a process in it is still dying, so ask until it agrees.

    Raises:
        Problem: something still lives there after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    for hierarchy in mounted():
        top = hierarchy.path / name
        while top.exists():
            for directory, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    Path(directory).rmdir()
            if top.exists() and time.monotonic() > deadline:
                raise Problem(
                    f"The cgroup {top} cannot be removed: processes {sorted(processes(name))} are in it."
                )


def _enable_controllers(parent: Path) -> None:
    wanted = (parent / "cgroup.controllers").read_text().split()
    for controller in wanted:
        # One at a time: a controller that cannot be given to children must not keep the others back.
        with contextlib.suppress(OSError):
            (parent / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_cpuset(directory: Path) -> None:
    """A new cpuset is empty, and no process may enter it before it has its parent's values."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = directory / name
        if file.exists() and not file.read_text().strip():
            file.write_text((directory.parent / name).read_text())
