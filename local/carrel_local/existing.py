"""Carrel in a cluster that is there already, named by a context of the caller's kubeconfig: only the chart is installed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import builders, kubernetes, programs, release
from .progress import Progress


def up(context: str, values: Path | None, progress: Progress) -> None:
    """Install or upgrade, with images from where the values say.

    Raises:
        Problem: the cluster does not answer, or refuses.
    """
    cluster = kubernetes.of_context(context)
    cluster.kubectl("version", "--request-timeout=10s")
    helm = _helm(progress)
    with progress.step(f"Installing Carrel into {context}") as step:
        release.install(cluster, helm, values, step)
    with progress.step("Waiting for Carrel to be ready") as step:
        release.wait(cluster, step)
    progress.console.print(
        f"Carrel runs in {context}. Reach it with: "
        f"kubectl --context={context} -n {release.NAMESPACE} port-forward service/proxy-public 8000:80"
    )


def down(context: str, progress: Progress) -> None:
    """Remove the release; people's homes and the custom resources stay."""
    helm = _helm(progress)
    with progress.step(f"Removing Carrel from {context}"):
        release.uninstall(kubernetes.of_context(context), helm)


def _helm(progress: Progress) -> Path:
    with ThreadPoolExecutor(1) as compiler:
        return builders.go_programs(progress, compiler, (programs.HELM,))["helm"].result()["helm"]
