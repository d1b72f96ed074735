"""The node is one process tree in namespaces of its own: entered here, step by step, until the supervisor is process 1.

`python -m carrel_local.node enter NAME` → cgroup → `unshare` → `prepare NAME` → `supervise NAME`.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import cgroups, mounts, node_network
from .commands import SYSTEM_PATH
from .daemons import Daemon
from .instance import Instance, instance, numbers
from .problem import Problem
from .supervisor import Supervisor

PLAN = "node.json"


def start(here: Instance, daemons: tuple[Daemon, ...]) -> None:
    """Start the node; it outlives the caller."""
    here.logs.mkdir(parents=True, exist_ok=True)
    for old in here.logs.glob("*.log"):
        old.replace(old.with_suffix(".previous"))
    (here.state / PLAN).write_text(json.dumps([vars(daemon) for daemon in daemons]))
    cgroups.create(here.cgroup)
    with (here.logs / "node.log").open("a") as log:
        subprocess.Popen(
            [sys.executable, "-m", "carrel_local.node", "enter", here.name],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
            # Nothing of the caller's environment: a proxy setting would send the cluster's own traffic away.
            env={"PATH": SYSTEM_PATH, "HOME": "/root"},
        )


def init(here: Instance) -> int | None:
    """The machine's id of the node's process 1, or None: no file is trusted, the kernel is asked."""
    for pid in cgroups.processes(here.cgroup):
        with contextlib.suppress(OSError):
            if is_init(Path(f"/proc/{pid}/status").read_text()):
                return pid
    return None


def is_init(status: str) -> bool:
    """Whether /proc/PID/status is that of process 1 of a namespace directly below ours."""
    for line in status.splitlines():
        if line.startswith("NSpid:"):
            return len(ids := line.split()[1:]) == 2 and ids[1] == "1"
    return False


def stop(here: Instance, *, patience: float = 90) -> None:
    """End the node in order, or kill it when it takes longer than `patience` seconds.

    Raises:
        Problem: it cannot be killed.
    """
    pid = init(here)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while init(here) is not None and time.monotonic() < deadline:
            time.sleep(0.1)
    kill(here)


def kill(here: Instance) -> None:
    """Kill whatever is left of the node; with its process 1 the kernel ends all others, mounts and network."""
    deadline = time.monotonic() + 20
    while left := cgroups.processes(here.cgroup):
        if time.monotonic() > deadline:
            raise Problem(f"The processes {sorted(left)} of the cluster {here.name} cannot be killed.")
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    cgroups.remove(here.cgroup)


def _enter(here: Instance) -> None:
    """Leave the caller's cgroup, then its PID and mount namespaces."""
    cgroups.join(here.cgroup)
    prepare = [sys.executable, "-m", "carrel_local.node", "prepare", here.name]
    os.execvp(  # noqa: S606 - this process becomes the next step
        "unshare",
        [
            "unshare",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount",
            "--propagation=private",
            "--mount-proc",
            *prepare,
        ],
    )


def _prepare(here: Instance) -> None:
    """As process 1: the private mounts and the network, then into that network."""
    mounts.privately(here)
    node_network.create(here)
    supervise = [sys.executable, "-m", "carrel_local.node", "supervise", here.name]
    os.execvp(node_network.IN_NODE[0], [*node_network.IN_NODE, *supervise])  # noqa: S606


def _supervise(here: Instance) -> None:
    plan = json.loads((here.state / PLAN).read_text())
    daemons = [Daemon(**{**entry, "command": tuple(entry["command"])}) for entry in plan]
    Supervisor(daemons, here.logs).run()


if __name__ == "__main__":
    step, name = sys.argv[1:]
    {"enter": _enter, "prepare": _prepare, "supervise": _supervise}[step](instance(name, numbers()))
