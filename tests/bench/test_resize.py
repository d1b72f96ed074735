"""A new size until the container's own limit has changed, in turns with a bare resize of a bare pod."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from carrel_operator import names
from carrel_operator.cluster import Cluster
from support import audit
from support.cluster import KUBECTL, NAMESPACE, Kubectl, Object, Person, Platform, eventually, unique
from support.figures import percentile, report

pytestmark = [pytest.mark.cluster, pytest.mark.bench]

BARE = "bench-bare-resize"
ROUNDS = 60  # of 20, two hiccups of the machine are the 95th percentile
CROWD = 500
MIB = 1024**2
SIZES = {1024: "1Gi", 2048: "2Gi"}

# Says at what time (seconds since the epoch) the container's limit became another one, and which.
WATCH = """
import os, time
file = next(f for f in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes") if os.path.exists(f))
before = None
while True:
    with open(file) as limit:
        now = limit.read()
    if now != before:
        print(time.time(), now.strip(), flush=True)
        before = now
    time.sleep(0.002)
"""


class Limit:
    """Watches one container's memory limit from inside."""

    def __init__(self, answers: IO[str]) -> None:
        self._answers = answers
        self.changed()  # the one that it begins with

    def changed(self) -> tuple[float, int]:
        """When it changed, and to how many bytes."""
        at, limit = self._answers.readline().split()
        return float(at), int(limit)


@contextmanager
def limit_of(platform: Platform, pod: str) -> Iterator[Limit]:
    command = [str(KUBECTL), "--kubeconfig", platform.kubeconfig, "-n", NAMESPACE, "exec", pod, "--"]
    with subprocess.Popen(
        [*command, "python3", "-u", "-c", WATCH], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        yield Limit(process.stdout)
        process.kill()


@pytest.fixture
def sizes(kube: Kubectl) -> Iterator[dict[int, str]]:
    """Names of two sizes that differ in their limit alone, by MiB."""
    made = {}
    for mib, limit in SIZES.items():
        made[mib] = unique("bench")
        spec = {"cpu": {"request": "50m", "limit": "1"}, "memory": {"request": "256Mi", "limit": limit}}
        body = {"apiVersion": "carrel.dev/v1", "kind": "InstanceType", "metadata": {"name": made[mib]}}
        kube.apply(body | {"spec": spec})
    yield made
    kube("delete", "instancetype", *made.values())


@pytest.fixture
def server(person: Callable[..., Person], sizes: dict[int, str]) -> Person:
    somebody = person()
    somebody.start(instance_type=sizes[1024])
    return somebody


@pytest.fixture
def bare_pod(kube: Kubectl, server: Person) -> Iterator[Object]:
    """The same pod, volumes and all, that only sleeps: the kubelet looks at every volume before it resizes."""
    template = server.pod()
    assert template
    spec = template["spec"]
    container = spec["containers"][0] | {"command": ["sleep", "infinity"], "args": []}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle"):
        container.pop(probe, None)
    spec |= {"containers": [container], "initContainers": [], "terminationGracePeriodSeconds": 0}
    kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": BARE}, "spec": spec})
    kube("wait", "--for=condition=Ready", f"pod/{BARE}", "--timeout=60s")
    body = kube.get("pod", BARE)
    assert body
    yield body
    kube("delete", "pod", BARE)


@pytest.fixture
def crowd(kube: Kubectl) -> Iterator[Callable[[], None]]:
    """Makes many Notebooks that are there and stopped."""
    owners = [f"crowd-{number}" for number in range(CROWD)]

    def gather() -> None:
        bodies = [
            {
                "apiVersion": "carrel.dev/v1",
                "kind": "Notebook",
                "metadata": {"name": names.notebook(owner, ""), "labels": {"crowd": "bench"}},
                "spec": {"owner": owner, "running": False, "instanceType": "small", "image": "datascience"},
            }
            for owner in owners
        ]
        kube.apply({"apiVersion": "v1", "kind": "List", "items": bodies})
        eventually("all are looked at", lambda: all("status" in each for each in present()), 120, every=2)

    def present() -> list[Object]:
        return kube.items("notebooks", "crowd=bench")

    yield gather
    kube("delete", "notebooks", "-l", "crowd=bench", "--wait=false")


def test_a_resize_beside_a_bare_one(
    server: Person,
    sizes: dict[int, str],
    bare_pod: Object,
    crowd: Callable[[], None],
    platform: Platform,
) -> None:
    rows: list[tuple[object, ...]] = []
    for title in ("alone", f"with {CROWD} notebooks"):
        if title != "alone":
            crowd()
        since = time.time()
        ours, bare = asyncio.run(measure(platform, server, sizes, bare_pod))
        for percent in (50, 95):
            mine, its = percentile(ours, percent), percentile(bare, percent)
            rows.append((f"{title}, p{percent}", mine, its, mine / its))
        rows.append((f"{title}, writes a resize", written(platform, server, since) / len(ours), None, None))
    report(
        f"Spec edit → limit changed, ms, {ROUNDS} in turns with a bare PATCH of pods/resize (Kubeflow: 4,300 ms and no kernel)",
        ("", "ours", "bare", "ratio"),
        rows,
    )


async def measure(
    platform: Platform, server: Person, sizes: dict[int, str], bare_pod: Object
) -> tuple[list[float], list[float]]:
    """Milliseconds of every resize, ours and the bare ones."""
    notebook = names.notebook(server.name)
    ours, bare = [], []
    cluster = Cluster.connect("bench")
    with limit_of(platform, names.pod(notebook)) as our_limit, limit_of(platform, BARE) as bare_limit:
        for turn in range(ROUNDS):
            mib = (2048, 1024)[turn % 2]
            began = time.time()
            await cluster.merge("Notebook", NAMESPACE, notebook, {"spec": {"instanceType": sizes[mib]}})
            ours.append(milliseconds(our_limit, began, mib))
            await settled(cluster, notebook, sizes[mib])
            began = time.time()
            await cluster.resize(bare_pod, "notebook", {"limits": {"memory": SIZES[mib]}})
            bare.append(milliseconds(bare_limit, began, mib))
    await cluster.close()
    return ours, bare


def milliseconds(limit: Limit, began: float, mib: int) -> float:
    at, found = limit.changed()
    assert found == mib * MIB
    return (at - began) * 1000


async def settled(cluster: Cluster, notebook: str, size: str) -> None:
    """Wait until the status says that the size is in force, so that one resize never runs into the next."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        status = (await cluster.get("Notebook", NAMESPACE, notebook))["status"]
        if status.get("instanceType") == size and status["resize"]["state"] == "Applied":
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{notebook} never said that it has size {size}")


def written(platform: Platform, server: Person, since: float) -> int:
    """What the operator wrote for this server."""
    notebook = names.notebook(server.name)
    heard = audit.requests(platform.audit_log, since)
    mine = {notebook, names.pod(notebook)}
    return sum(each.writes and each.component == "operator" and each.name in mine for each in heard)
