"""`up` and `down`: each step looks at what is there and does what is missing, so a run may stop anywhere and start again."""

import hashlib
import shutil
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import (
    commands,
    configuration,
    images,
    kubernetes,
    lock,
    network,
    node,
    packages,
    pki,
    programs,
    release,
)
from .daemons import Daemon, daemons
from .images import Image
from .instance import CACHE, STATES, Instance, instance, numbers
from .kubernetes import Cluster
from .problem import Problem
from .progress import Progress, Step
from .repository import LOCAL
from .supervisor import listens

# How long a node that runs already may take to answer before it counts as half dead (seconds).
HALF_DEAD_AFTER = 30


@dataclass
class Made:
    """What the builders deliver, each when it is ready."""

    programs: dict[str, Future[dict[str, Path]]]
    images: dict[str, Future[None]]
    catalogue: Mapping[str, Image]

    def program(self, name: str) -> Path:
        """A program, waiting until it is built."""
        for future in self.programs.values():
            if name in (found := future.result()):
                return found[name]
        raise KeyError(name)


def up(here: Instance, progress: Progress) -> None:
    """Start the instance and install Carrel in it.

    Raises:
        Problem: something a person has to see to.
    """
    _prepare(here)
    if wanted := packages.missing():
        with progress.step(f"Debian packages: {', '.join(wanted)}") as step:
            packages.install(wanted, step)
    with ThreadPoolExecutor(1) as compiler, ThreadPoolExecutor(1) as builder:
        try:
            made = _make(progress, compiler, builder)
            _start(here, made, progress)
            _deliver(here, made, progress)
            _install(here, made, progress)
        except BaseException:
            commands.stop_all()
            compiler.shutdown(wait=False, cancel_futures=True)
            builder.shutdown(wait=False, cancel_futures=True)
            raise


def build(here: Instance, names: list[str], progress: Progress) -> list[str]:
    """Build some images and give them to the running node; their references."""
    with lock.held("images"), ThreadPoolExecutor(1) as compiler:
        made = _make_programs(progress, compiler)
        if unknown := sorted(set(names) - set(images.names())):
            raise Problem(
                f"There is no image {', '.join(unknown)}: the images are {', '.join(images.names())}."
            )
        catalogue = images.catalogue(["base", *names] if names else images.names())
        for image in catalogue.values():
            _build_image(image, catalogue["base"], progress)
            images.give(here, made["containerd"].result()["ctr"], image)
    return [image.reference for image in catalogue.values()]


def _prepare(here: Instance) -> None:
    here.state.mkdir(parents=True, exist_ok=True)
    (here.state / "number").write_text(str(here.number))
    _make_cache()


def _make_cache() -> None:
    for directory in ("logs", "context", "images", "programs"):
        (CACHE / directory).mkdir(parents=True, exist_ok=True)


def _make(progress: Progress, compiler: ThreadPoolExecutor, builder: ThreadPoolExecutor) -> Made:
    catalogue = images.catalogue(images.names())
    built = {
        name: builder.submit(_build_image_alone, image, catalogue["base"], progress)
        for name, image in catalogue.items()
    }
    return Made(_make_programs(progress, compiler), built, catalogue)


def _make_programs(
    progress: Progress, compiler: ThreadPoolExecutor, groups: tuple[programs.Group, ...] = programs.GROUPS
) -> dict[str, Future[dict[str, Path]]]:
    with lock.held("programs"):
        go, version = programs.go(Step("Go"))
    return {group.name: compiler.submit(_build_program, group, go, version, progress) for group in groups}


def _build_program(group: programs.Group, go: Path, version: str, progress: Progress) -> dict[str, Path]:
    with lock.held("programs"):
        if programs.cached(group, version).exists():
            return programs.build(group, go, version, Step(group.title))
        with progress.step(f"Building {group.title} {group.version}") as step:
            return programs.build(group, go, version, step)


def _build_image_alone(image: Image, base: Image, progress: Progress) -> None:
    with lock.held("images"):
        _build_image(image, base, progress)


def _build_image(image: Image, base: Image, progress: Progress) -> None:
    if not image.archive.exists():
        with progress.step(f"Building the image {image.name}") as step:
            images.clean_up()
            images.build(image, base, step)


def _start(here: Instance, made: Made, progress: Progress) -> None:
    """Have the node run with the programs and settings of this checkout."""
    names = ("kubernetes", "containerd", "coredns", "local-path-provisioner")
    found = {name: made.program(name) for name in names}
    plan = daemons(here, found, made.catalogue["base"].reference)
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
    with progress.step(f"Starting Kubernetes {programs.GROUPS[0].version}") as step:
        node.kill(here)
        network.open_way_out(here)
        node.start(here, plan)
        kubernetes.wait_for_api(cluster, step)
        step.say("storage and rights")
        cluster.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={LOCAL / 'manifests'}")
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


def _deliver(here: Instance, made: Made, progress: Progress) -> None:
    """Give the node each image as soon as it is built."""
    ctr = made.program("ctr")
    there = images.in_node(here, ctr)
    for name, future in made.images.items():
        image = made.catalogue[name]
        future.result()
        if image.reference not in there:
            with progress.step(f"Loading the image {name}"):
                images.give(here, ctr, image)


def _install(here: Instance, made: Made, progress: Progress) -> None:
    cluster = kubernetes.of(here)
    helm = made.program("helm")
    values = release.write_values(here, made.catalogue)
    with progress.step("Installing Carrel") as step:
        release.install(cluster, helm, values, step)
    with progress.step("Waiting for Carrel to be ready") as step:
        release.wait(cluster, step)
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
            shutil.rmtree(here.state, ignore_errors=False)
            if not any(STATES.iterdir()):
                STATES.rmdir()


def install_into(context: str, values: Path | None, progress: Progress) -> None:
    """Install Carrel into a cluster that exists, with images from where its values say.

    Raises:
        Problem: the cluster does not answer, or refuses.
    """
    cluster = kubernetes.of_context(context)
    cluster.kubectl("version", "--request-timeout=10s")
    _make_cache()
    with ThreadPoolExecutor(1) as compiler:
        helm = _make_programs(progress, compiler, (programs.HELM,))[programs.HELM.name].result()["helm"]
    with progress.step(f"Installing Carrel into {context}") as step:
        release.install(cluster, helm, values, step)
    with progress.step("Waiting for Carrel to be ready") as step:
        release.wait(cluster, step)
    progress.console.print(
        f"Carrel runs in {context}. Reach it with: "
        f"kubectl --context={context} -n {release.NAMESPACE} port-forward service/proxy-public 8000:80"
    )


def uninstall_from(context: str, progress: Progress) -> None:
    """Remove the release from a cluster; people's homes and notebooks stay."""
    with ThreadPoolExecutor(1) as compiler:
        helm = _make_programs(progress, compiler, (programs.HELM,))[programs.HELM.name].result()["helm"]
    with progress.step(f"Removing Carrel from {context}"):
        release.uninstall(kubernetes.of_context(context), helm)
