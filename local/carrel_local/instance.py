"""An instance is one cluster on this machine: its name gives every path, address and port it uses."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

STATES = Path("/var/lib/carrel")
# Without root only an installation into another cluster is possible, and that needs no more than a built helm.
CACHE = Path("/var/cache/carrel") if os.geteuid() == 0 else Path.home() / ".cache" / "carrel"
# `make up` and `make test` always get the same addresses, so that links and bookmarks last.
FIXED_NUMBERS = {"carrel": 0, "carrel-test": 1}
# The name ends in cgroup paths and socket paths (limit 108 bytes).
NAME = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")


@dataclass(frozen=True)
class Instance:
    """The addresses of one cluster; `number` (0 to 99) keeps instances apart on the machine."""

    name: str
    number: int

    @property
    def state(self) -> Path:
        """Everything this instance keeps on disk; `down` deletes it."""
        return STATES / self.name

    @property
    def leaving(self) -> Path:
        """Where the state lies while it is being deleted: half of it must never be started."""
        return STATES / f"{self.name}.leaving"

    @property
    def pki(self) -> Path:
        """Keys, certificates and the kubeconfigs of the node's own programs."""
        return self.state / "pki"

    @property
    def config(self) -> Path:
        """The configuration files of the node's programs."""
        return self.state / "config"

    @property
    def logs(self) -> Path:
        """One log file per program of the node."""
        return self.state / "logs"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.state / "kubeconfig"

    @property
    def containerd_socket(self) -> Path:
        """Where containerd answers, reachable from the machine too."""
        return self.state / "containerd.sock"

    @property
    def cgroup(self) -> str:
        """The cgroup that everything of this instance lives under."""
        return f"carrel-{self.name}"

    @property
    def table(self) -> str:
        """The machine's one nftables table for this instance."""
        return f"carrel-{self.name}"

    @property
    def link(self) -> str:
        """The machine's end of the veth pair (limit 15 bytes)."""
        return f"carrel{self.number}"

    @property
    def host_address(self) -> str:
        """The machine, seen from the node."""
        return f"10.231.{self.number}.1"

    @property
    def node_address(self) -> str:
        """The node, seen from the machine and from pods."""
        return f"10.231.{self.number}.2"

    @property
    def subnet(self) -> str:
        """The two addresses above."""
        return f"10.231.{self.number}.0/30"

    @property
    def hub_port(self) -> int:
        """The hub's port on the machine's loopback address."""
        return 8000 + 100 * self.number

    @property
    def identity_port(self) -> int:
        """The sign-in page's port on the machine's loopback address."""
        return self.hub_port + 1

    @property
    def hub_url(self) -> str:
        """The address a browser on this machine opens."""
        return f"http://localhost:{self.hub_port}"

    @property
    def identity_url(self) -> str:
        """The address of the sign-in page."""
        return f"http://localhost:{self.identity_port}"

    @property
    def api_url(self) -> str:
        """The Kubernetes API server."""
        return f"https://{self.node_address}:6443"


def instance(name: str, taken: dict[str, int]) -> Instance:
    """The instance of that name; `taken` are the numbers of the instances that exist.

    Raises:
        ValueError: the name cannot be used in paths.
    """
    if not NAME.fullmatch(name):
        raise ValueError(
            f"An instance cannot be called {name!r}: use up to 20 small letters, digits and dashes, beginning with a letter."
        )
    if name in FIXED_NUMBERS:
        return Instance(name, FIXED_NUMBERS[name])
    if name in taken:
        return Instance(name, taken[name])
    used = {*FIXED_NUMBERS.values(), *taken.values()}
    return Instance(name, min(number for number in range(100) if number not in used))


def numbers() -> dict[str, int]:
    """The numbers of the instances that exist on this machine."""
    files = [file for file in STATES.glob("*/number") if NAME.fullmatch(file.parent.name)]
    return {file.parent.name: int(file.read_text()) for file in files}
