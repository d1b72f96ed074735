"""Debian packages that the cluster needs, installed only where their program is missing."""

import contextlib
import shutil
from pathlib import Path

from .commands import SYSTEM_PATH, follow
from .instance import CACHE
from .problem import Problem
from .progress import Step

# Asked by program, not by package: Docker's own packages bring runc too, and installing Debian's would remove them.
PACKAGES = {
    "buildah": "buildah",
    "mmdebstrap": "mmdebstrap",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
    "runc": "runc",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "iptables": "iptables",
    "nft": "nftables",
    "ip": "iproute2",
    "sysctl": "procps",
    "socat": "socat",
    "catatonit": "catatonit",
}


def missing() -> list[str]:
    """The packages whose program is not on this machine."""
    return [package for program, package in PACKAGES.items() if not _is_here(program)]


def _is_here(program: str) -> bool:
    if program.startswith("/"):
        return Path(program).exists()
    return shutil.which(program, path=SYSTEM_PATH) is not None


def install(packages: list[str], step: Step) -> None:
    """Install them without removing anything.

    Raises:
        Problem: apt-get failed.
    """
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    patient = "-oDPkg::Lock::Timeout=300"
    log = CACHE / "logs"
    # One of the machine's other sources may be out of reach or unsigned; what we need may still be there.
    with contextlib.suppress(Problem):
        follow("apt-get", patient, "update", log=log / "apt-update.log", each_line=step.say, env=env)
    follow(
        "apt-get",
        patient,
        "install",
        "--yes",
        "--no-remove",
        "--no-install-recommends",
        *packages,
        log=log / "apt-install.log",
        each_line=step.say,
        env=env,
    )
