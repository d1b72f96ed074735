"""A cluster to talk to, through kubectl and helm: this machine's own or any that a kubeconfig names."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .commands import follow, run
from .instance import CACHE, Instance
from .problem import Problem
from .progress import Step

KUBECTL = Path(sys.executable).parent / "kubectl"


@dataclass(frozen=True)
class Cluster:
    """Which cluster: the arguments that point kubectl and helm at it."""

    kubectl_arguments: tuple[str, ...]
    helm_arguments: tuple[str, ...]

    def kubectl(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """What kubectl prints.

        Raises:
            Problem: it failed.
        """
        return run(KUBECTL, *self.kubectl_arguments, *arguments, stdin=stdin)

    def follow(self, *arguments: str | Path, step: Step, log: str) -> None:
        """Run a kubectl command that takes long."""
        command = [KUBECTL, *self.kubectl_arguments, *arguments]
        follow(*command, log=CACHE / "logs" / f"{log}.log", each_line=step.say)

    def get(self, *arguments: str) -> dict[str, Any]:
        """Objects as JSON; `{}` if there are none."""
        text = self.kubectl("get", *arguments, "--ignore-not-found", "-o", "json")
        found: dict[str, Any] = json.loads(text) if text.strip() else {}
        return found


def of(here: Instance) -> Cluster:
    """The instance's cluster."""
    argument = f"--kubeconfig={here.kubeconfig}"
    return Cluster((argument,), (argument,))


def of_context(name: str) -> Cluster:
    """The cluster of a context in the caller's own kubeconfig."""
    return Cluster((f"--context={name}",), (f"--kube-context={name}",))


def wait_for_api(cluster: Cluster, step: Step, patience: float = 120) -> None:
    """Return when the API server says it is ready.

    Raises:
        Problem: it did not within `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            cluster.kubectl("get", "--raw", "/readyz", "--request-timeout=5s")
        except Problem as problem:
            if time.monotonic() > deadline:
                raise Problem(
                    f"The API server did not become ready within {patience:.0f} s: {problem}"
                ) from problem
            step.say("waiting for the API server")
            time.sleep(0.25)
        else:
            return


def wait_for_node(cluster: Cluster, here: Instance, step: Step, patience: int = 120) -> None:
    """Return when the node has registered itself and can run pods."""
    step.say("waiting for the node to be ready")
    node = f"node/{here.name}"
    cluster.kubectl("wait", "--for=create", node, f"--timeout={patience}s")
    cluster.kubectl("wait", "--for=condition=Ready", node, f"--timeout={patience}s")
