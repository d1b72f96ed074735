"""Commands as people type them in a terminal of their server."""

import re
import subprocess

from carrel_operator import names
from support.cluster import KUBECTL, Person

_KUBECTLS_OWN = re.compile(r"^command terminated with exit code \d+\n", re.MULTILINE)


def carrel(somebody: Person, *arguments: str, server: str = "") -> tuple[int, str]:
    """The command ``carrel`` in a person's server: its exit code and what it says."""
    return typed(somebody, "carrel", *arguments, server=server)


def typed(somebody: Person, *command: str, server: str = "", timeout: float = 120) -> tuple[int, str]:
    """Any command in a person's server: its exit code and what it says."""
    pod = names.pod(names.notebook(somebody.name, server))
    kubectl = [str(KUBECTL), "--kubeconfig", somebody.kube.kubeconfig, "-n", somebody.kube.namespace]
    kubectl += ["exec", pod, "-c", "notebook", "--", *command]
    done = subprocess.run(kubectl, capture_output=True, text=True, timeout=timeout, check=False)
    errors = _KUBECTLS_OWN.sub("", done.stderr)
    return done.returncode, done.stdout + errors
