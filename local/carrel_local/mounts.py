"""The node's private view of the file system: what its programs write outside their own folders lands in the state."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from .instance import STATES, Instance

# The kubelet sets these for the whole machine at its start; in the node it finds them set already.
KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def privately(instance: Instance) -> None:
    """Called in a mount namespace of its own, whose mounts reach nobody else."""
    _tmpfs(Path("/run"))
    _private_var_lib(instance)
    logs = instance.state / "var-log"
    logs.mkdir(exist_ok=True)
    _mount("--bind", logs, "/var/log")
    for name, value in KERNEL_SETTINGS.items():
        file = Path("/run/kernel-settings") / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value)
        if (Path("/proc/sys") / name).exists():
            _mount("--bind", file, Path("/proc/sys") / name)
    # Shared among the node's own pods only: a volume with mount propagation needs a shared tree.
    _mount("--make-rshared", "/")


def _private_var_lib(instance: Instance) -> None:
    """Kubelet and CNI have paths below /var/lib that no setting moves, so the node gets a /var/lib of its own."""
    var_lib, whole = Path("/var/lib"), Path("/run/var-lib")
    whole.mkdir()
    _mount("--rbind", var_lib, whole)
    _tmpfs(var_lib)
    for name in sorted(
        needed_below(var_lib, (STATES, Path(sys.prefix), Path(sys.base_prefix), Path(__file__)))
    ):
        (var_lib / name).mkdir()
        _mount("--rbind", whole / name, var_lib / name)
    _unmount(whole)
    kubelet = instance.state / "kubelet"
    kubelet.mkdir(exist_ok=True)
    for name in ("kubelet", "cni"):
        (var_lib / name).mkdir()
    _mount("--bind", kubelet, var_lib / "kubelet")


def needed_below(directory: Path, paths: Iterable[Path]) -> set[str]:
    """The children of the directory that lead to one of the paths."""
    return {path.relative_to(directory).parts[0] for path in paths if path.is_relative_to(directory)}


def _tmpfs(directory: Path) -> None:
    _mount("-t", "tmpfs", "-o", "mode=755", "carrel", directory)


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _unmount(directory: Path) -> None:
    subprocess.run(["umount", "--recursive", directory], check=True)
