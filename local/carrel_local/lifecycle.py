"""`up` and `down`: each step looks at what is there and does what is missing, so a run may stop anywhere and start again."""

import hashlib
import shutil
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import (
    builders,
    commands,
    configuration,
    images,
    kubernetes,
    network,
    node,
    packages,
    pki,
    programs,
    release,
    snapshots,
)
from .builders import Made
from .daemons import Daemon, daemons
from .instance import STATES, Instance, instance, numbers
from .kubernetes import Cluster
from .problem import Problem
from .progress import Progress, Step
from .repository import LOCAL
from .supervisor import listens

# How long a node that runs already may take to answer before it counts as half dead (seconds).
HALF_DEAD_AFTER = 30


def up(here: Instance, progress: Progress, *, with_snapshots: bool = False) -> None:
    """Start the instance and install Carrel in it; once it has had the storage with snapshots it keeps it.

    Raises:
        Problem: something a person has to see to.
    """
    _finish_deleting(here)
    here.state.mkdir(parents=True, exist_ok=True)
    here.state.chmod(0o700)  # people's files lie in it, open to whoever gets that far
    (here.state / "number").write_text(str(here.number))
    if wanted := packages.missing():
        with progress.step(f"Debian packages: {', '.join(wanted)}") as step:
            packages.install(wanted, step)
    with ThreadPoolExecutor(1) as compiler, ThreadPoolExecutor(1) as builder:
        try:
            has_snapshots = snapshots.wanted(here, asked=with_snapshots)
            groups = (*programs.GROUPS, *([programs.FOLDERS] if has_snapshots else []))
            made = builders.everything(progress, compiler, builder, groups)
            _start(here, made, progress, has_snapshots=has_snapshots)
            _deliver(here, made, [name for name in made.images if name != "notebook"], progress)
            _install(here, made, progress)
            # The largest, and nothing of the platform itself runs it: it comes while the rest starts.
            _deliver(here, made, ["notebook"], progress)
            _wait(here, progress)
        except BaseException:
            commands.stop_all()
            compiler.shutdown(wait=False, cancel_futures=True)
            builder.shutdown(wait=False, cancel_futures=True)
            raise


def _start(here: Instance, made: Made, progress: Progress, *, has_snapshots: bool) -> None:
    """Have the node run with the programs and settings of this checkout."""
    names = ("kubernetes", "containerd", "coredns", "local-path-provisioner")
    found = {name: made.program(name) for name in names}
    plan = daemons(here, found, made.catalogue["base"].reference)
    if has_snapshots:
        plan += snapshots.daemons(here, {name: made.program(name) for name in snapshots.PROGRAMS})
    pki.create(here)
    configuration.write(
        here, pause_image=made.catalogue["pause"].reference, helper_image=made.catalogue["base"].reference
    )
    cluster = kubernetes.of(here)
    key_file, wanted = here.state / "node.key", key(plan, here.config)
    if node.init(here) is not None:
        if key_file.exists() and key_file.read_text() == wanted and _is_well(cluster):
            return
        with progress.step("Stopping the old node"):
            node.stop(here)
    with progress.step(f"Starting Kubernetes {programs.KUBERNETES.version}") as step:
        node.kill(here)
        network.open_way_out(here)
        node.start(here, plan)
        kubernetes.wait_for_api(cluster, step)
        step.say("storage and rights")
        cluster.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={LOCAL / 'manifests'}")
        if has_snapshots:
            snapshots.install(cluster, tuple(made.program(name) for name in snapshots.KINDS))
        # After a restart the API still holds the old node's "Ready": its kubelet's port says that the new one is there.
        _wait_for_port(f"{here.node_address}:10250")
        kubernetes.wait_for_node(cluster, here, step)
        step.say("waiting for names to resolve")
        _wait_for_port(f"{here.node_address}:53")
        key_file.write_text(wanted)


def key(plan: tuple[Daemon, ...], config: Path) -> str:
    """A hash of the commands and settings the node runs with; when it changes, the node is started anew."""
    digest = hashlib.sha256(repr(plan).encode())
    for file in sorted(path for path in config.rglob("*") if path.is_file()):
        digest.update(repr((file.name, file.read_bytes())).encode())
    return digest.hexdigest()


def _is_well(cluster: Cluster) -> bool:
    try:
        kubernetes.wait_for_api(cluster, Step("API"), patience=HALF_DEAD_AFTER)
    except Problem:
        return False
    return True


def _wait_for_port(address: str, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while not listens(address):
        if time.monotonic() > deadline:
            raise Problem(
                f"Nothing listens on {address} after {patience:.0f} s: run 'make status' for the logs."
            )
        time.sleep(0.1)


def _deliver(here: Instance, made: Made, names: Sequence[str], progress: Progress) -> None:
    """Give the node each image as soon as it is built."""
    ctr = made.program("ctr")
    there = images.in_node(here, ctr)
    for name in names:
        image = made.catalogue[name]
        made.images[name].result()
        if image.reference not in there:
            with progress.step(f"Loading the image {name}"):
                images.give(here, ctr, image)


def _install(here: Instance, made: Made, progress: Progress) -> None:
    cluster = kubernetes.of(here)
    helm = made.program("helm")
    values = release.write_values(here, made.catalogue)
    with progress.step("Installing Carrel") as step:
        release.install(cluster, helm, values, step)


def _wait(here: Instance, progress: Progress) -> None:
    with progress.step("Waiting for Carrel to be ready") as step:
        release.wait(kubernetes.of(here), step)
        for url in (f"{here.hub_url}/hub/health", here.identity_url):
            step.say(f"waiting for {url}")
            release.wait_for_answer(url)


def down(here: Instance, progress: Progress, *, keep: bool) -> None:
    """Stop the instance; without `keep`, delete everything it held, people's files included.

    Raises:
        Problem: something of it cannot be ended.
    """
    with progress.step(f"Stopping the cluster {here.name}"):
        if keep:
            node.stop(here)
        node.kill(here)
        others = [instance(name, numbers()) for name in numbers() if name != here.name]
        network.close_way_out(here, last=all(node.init(other) is None for other in others))
        subprocess.run(("ip", "link", "delete", here.link), check=False, capture_output=True)
    if not keep:
        with progress.step("Deleting its files"):
            _finish_deleting(here)
            if here.state.exists():
                here.state.rename(here.leaving)
            _finish_deleting(here)
            if not any(STATES.iterdir()):
                STATES.rmdir()


def _finish_deleting(here: Instance) -> None:
    if here.leaving.exists():
        shutil.rmtree(here.leaving)
