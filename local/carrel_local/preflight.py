"""Refuses in one sentence, before anything is changed, what cannot work on this machine.

It also runs with the system's own Python before anything is installed: standard library only.
"""

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .instance import CACHE, STATES, Instance, instance, numbers

GIB = 2**30
# Compilers' caches, images and volumes of a first start; later only what people add.
FIRST_DISK_GIB, LATER_DISK_GIB = 12, 3
MEMORY_GIB = 4


@dataclass(frozen=True)
class Machine:
    """What decides whether a cluster can start here."""

    system: str
    user: int
    has_apt: bool
    has_namespaces: bool
    taken_ports: tuple[int, ...]
    disk_gib: float
    needed_disk_gib: float
    memory_gib: float


def refusal(machine: Machine) -> str:
    """The first reason not to start, as a sentence; empty if there is none."""
    return next((sentence for stands, sentence in _reasons(machine) if stands), "")


def _reasons(machine: Machine) -> Iterable[tuple[bool, str]]:
    yield (
        machine.system != "Linux",
        (
            f"Carrel's own cluster needs Linux and this is {machine.system}: "
            "set CARREL_CONTEXT=name to install into a cluster you have."
        ),
    )
    yield machine.user != 0, "Starting a cluster needs root: run it again with sudo."
    yield (
        not machine.has_apt,
        "Carrel's own cluster is made of Debian packages and this machine has no apt-get: use Debian or Ubuntu.",
    )
    yield (
        not machine.has_namespaces,
        "This machine does not let root make namespaces: use a virtual machine or a privileged container.",
    )
    for port in machine.taken_ports:
        yield True, f"Port {port} is taken by another program: stop that program and try again."
    yield (
        machine.disk_gib < machine.needed_disk_gib,
        f"Too little disk: {machine.needed_disk_gib} GiB must be free below /var and {machine.disk_gib:.1f} are.",
    )
    yield (
        machine.memory_gib < MEMORY_GIB,
        f"Too little memory: the cluster needs {MEMORY_GIB} GiB and this machine has {machine.memory_gib:.1f}.",
    )


def inspect(here: Instance) -> Machine:
    """This machine; only root on Linux can look at the rest, and nobody else gets that far."""
    able = platform.system() == "Linux" and os.geteuid() == 0
    built = able and any((CACHE / "programs").glob("kubernetes-*"))
    return Machine(
        system=platform.system(),
        user=os.geteuid(),
        has_apt=shutil.which("apt-get") is not None,
        has_namespaces=able and _has_namespaces(),
        taken_ports=tuple(_taken(here)) if able else (),
        disk_gib=min(_free(directory) for directory in (STATES, CACHE)) / GIB if able else 0,
        needed_disk_gib=LATER_DISK_GIB if built else FIRST_DISK_GIB,
        memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB if able else 0,
    )


def _has_namespaces() -> bool:
    command = ["unshare", "--mount", "--pid", "--net", "--fork", "true"]
    return (
        shutil.which("unshare") is not None
        and subprocess.run(command, check=False, capture_output=True).returncode == 0
    )


def _free(directory: Path) -> int:
    while not directory.exists():
        directory = directory.parent
    return shutil.disk_usage(directory).free


def _taken(here: Instance) -> Iterable[int]:
    """The instance's ports that a process of anyone else listens on."""
    own = own_sockets(here.cgroup)
    for port in (here.hub_port, here.identity_port):
        if not _can_bind(port) and not own & listening(Path("/proc/net/tcp").read_text(), port):
            yield port


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
    return True


def listening(proc_net_tcp: str, port: int) -> set[str]:
    """The inodes of the sockets that listen on the port, from the text of /proc/net/tcp."""
    rows = [line.split() for line in proc_net_tcp.splitlines()[1:]]
    return {row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}


def own_sockets(cgroup: str) -> set[str]:
    """The inodes of all sockets that processes in the cgroup hold; any one hierarchy tells."""
    found: set[str] = set()
    for pattern in (f"{cgroup}/node/cgroup.procs", f"*/{cgroup}/node/cgroup.procs"):
        for file in Path("/sys/fs/cgroup").glob(pattern):
            for pid in file.read_text().split():
                found |= _sockets(Path(f"/proc/{pid}/fd"))
    return found


def _sockets(descriptors: Path) -> set[str]:
    try:
        targets = [str(descriptor.readlink()) for descriptor in descriptors.iterdir()]
    except OSError:  # the process has ended, or closed one while we looked
        return set()
    return {target[8:-1] for target in targets if target.startswith("socket:[")}


def main() -> None:
    """Exit with the sentence, or silently when all is well."""
    if os.environ.get("CARREL_CONTEXT"):
        return
    name = os.environ.get("CARREL_INSTANCE", "carrel")
    try:
        sentence = refusal(inspect(instance(name, numbers())))
    except ValueError as error:
        sentence = str(error)
    if sentence:
        sys.exit(sentence)
