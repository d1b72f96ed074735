"""What every benchmark needs: somebody inside the cluster who sees a port open, and a fresh report."""

import os
import subprocess
from collections.abc import Callable, Iterator
from typing import IO

import pytest

from carrel_operator import names
from support.cluster import KUBECTL, NAMESPACE, Kubectl, Person, Platform
from support.figures import REPORT

# Tries every 5 ms, and says at what time (seconds since the epoch) the port answered.
PROBE = """
import socket, sys, time
for line in sys.stdin:
    host, port = line.split()
    while True:
        try:
            socket.create_connection((host, int(port)), 0.2).close()
            break
        except OSError:
            time.sleep(0.005)
    print(time.time(), flush=True)
"""


class Prober:
    """Waits for ports inside the cluster, whose addresses this machine can't reach."""

    def __init__(self, ask: IO[str], answers: IO[str]) -> None:
        self._ask, self._answers = ask, answers

    def watch(self, host: str, port: int = 8888) -> None:
        """Begin to wait for one port."""
        self._ask.write(f"{host} {port}\n")
        self._ask.flush()

    def opened(self) -> float:
        """When it opened."""
        return float(self._answers.readline())


@pytest.fixture(scope="session")
def rounds() -> int:
    """How often each thing is measured."""
    return int(os.environ.get("CARREL_BENCH_ROUNDS", "7"))


@pytest.fixture(scope="session", autouse=True)
def fresh_report() -> None:
    REPORT.unlink(missing_ok=True)


@pytest.fixture
def prober(person: Callable[..., Person], platform: Platform) -> Iterator[Prober]:
    onlooker = person()
    onlooker.start()
    pod = names.pod(names.notebook(onlooker.name))
    command = [str(KUBECTL), "--kubeconfig", platform.kubeconfig, "-n", NAMESPACE, "exec", "-i", pod, "--"]
    with subprocess.Popen(
        [*command, "python3", "-u", "-c", PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        yield Prober(process.stdin, process.stdout)
        process.stdin.close()


def component_uid(kube: Kubectl, component: str) -> str:
    """The uid of the one pod of a component."""
    [pod] = kube.items("pods", f"app.kubernetes.io/component={component}")
    return str(pod["metadata"]["uid"])
