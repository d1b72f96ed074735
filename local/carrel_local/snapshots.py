"""A second storage, with snapshots: a CSI driver of our own, and the sidecars that stand beside every driver of the field.

Only a cluster that was asked for it has it, because it costs memory and a build: its volumes are of the class `snapshots`.
"""

from collections.abc import Mapping
from pathlib import Path

from .daemons import Daemon
from .instance import Instance
from .kubernetes import Cluster
from .repository import LOCAL

CLIENT = "folders"
PROGRAMS = ("folders", "csi-provisioner", "csi-snapshotter", "snapshot-controller")
KINDS = tuple(
    f"snapshot.storage.k8s.io_{kind}.yaml"
    for kind in ("volumesnapshotclasses", "volumesnapshotcontents", "volumesnapshots")
)
_SOCKET = "/var/lib/kubelet/plugins/folders.carrel.dev/csi.sock"


def wanted(here: Instance, *, asked: bool) -> bool:
    """Whether the cluster has it: once it was asked for, volumes may lie there."""
    mark = here.state / "snapshots"
    if asked:
        mark.touch()
    return mark.exists()


def daemons(here: Instance, programs: Mapping[str, Path]) -> tuple[Daemon, ...]:
    """Its programs, in the order they start."""
    kubeconfig = f"--kubeconfig={here.pki / f'{CLIENT}.kubeconfig'}"
    address = f"--csi-address={_SOCKET}"
    root = here.state / "folders"
    api = f"{here.node_address}:6443"
    return (
        Daemon("folders", (str(programs["folders"]), f"--root={root}", f"--node={here.name}"), waits_for=api),
        Daemon("csi-provisioner", (str(programs["csi-provisioner"]), kubeconfig, address), waits_for=_SOCKET),
        Daemon("csi-snapshotter", (str(programs["csi-snapshotter"]), kubeconfig, address), waits_for=_SOCKET),
        Daemon("snapshot-controller", (str(programs["snapshot-controller"]), kubeconfig), waits_for=_SOCKET),
    )


def install(cluster: Cluster, kinds: tuple[Path, ...]) -> None:
    """Make the cluster know snapshots, and give it the classes.

    Raises:
        Problem: Kubernetes refused.
    """
    files = [f"--filename={file}" for file in kinds]
    cluster.kubectl("apply", "--server-side", "--force-conflicts", *files)
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *files)
    folder = LOCAL / "manifests" / "snapshots"
    cluster.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={folder}")
