"""Commands as people type them in a terminal of their server."""

import subprocess

from carrel_operator import names
from support.cluster import KUBECTL, Person


def carrel(somebody: Person, *arguments: str, server: str = "") -> tuple[int, str]:
    """The command ``carrel`` in a person's server: its exit code and what it says."""
    pod = names.pod(names.notebook(somebody.name, server))
    command = [str(KUBECTL), "--kubeconfig", somebody.kube.kubeconfig, "-n", somebody.kube.namespace]
    command += ["exec", pod, "-c", "notebook", "--", "carrel", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr
