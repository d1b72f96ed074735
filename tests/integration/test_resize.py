"""Another size for a server that runs, on a real cluster: nothing restarts, the end is always what was asked last."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from carrel_operator import names
from carrel_operator.quantities import memory, number
from support import audit
from support.cluster import Kubectl, Object, Person, Platform, eventually, unique

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]
NewSize = Callable[..., str]
GIB = 1024**3

HOLD = """
import subprocess, sys
subprocess.Popen(
    [sys.executable, "-c", "import signal; held = b'x' * (400 << 20); print('held', flush=True); signal.pause()"],
    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
).stdout.readline()
"""
RELEASE = """
import os, pathlib, signal
for process in pathlib.Path("/proc").glob("[0-9]*"):
    if b"held = " in (process / "cmdline").read_bytes() and int(process.name) != os.getpid():
        os.kill(int(process.name), signal.SIGKILL)
"""
LIMITS = """
from pathlib import Path
def read(*files):
    return next(Path("/sys/fs/cgroup", file).read_text().split()[0] for file in files if Path("/sys/fs/cgroup", file).exists())
print(read("memory.max", "memory/memory.limit_in_bytes"), read("cpu.max", "cpu/cpu.cfs_quota_us"))
"""


@pytest.fixture
def size(kube: Kubectl) -> Iterator[NewSize]:
    """Makes sizes; they go away after the test."""
    made: list[str] = []

    def new(
        memory: str = "1Gi", request: str = "256Mi", cpu: str = "1", cpu_request: str = "50m", **spec: Any
    ) -> str:
        name = unique("size")
        made.append(name)
        figures = {
            "cpu": {"request": cpu_request, "limit": cpu},
            "memory": {"request": request, "limit": memory},
        }
        kube.apply(
            {
                "apiVersion": "carrel.dev/v1",
                "kind": "InstanceType",
                "metadata": {"name": name},
                "spec": figures | spec,
            }
        )
        return name

    yield new
    kube("delete", "instancetype", *made, "--ignore-not-found")


@dataclass(frozen=True)
class Server:
    """Somebody's running server, and what its size is said to be."""

    person: Person
    kube: Kubectl

    def change(self, size: str) -> None:
        patch = json.dumps({"spec": {"instanceType": size}})
        self.kube("patch", "notebook", names.notebook(self.person.name), "--type=merge", "-p", patch)

    def status(self) -> Object:
        notebook = self.person.notebook()
        assert notebook
        return notebook["status"]

    def is_at(self, state: str, size: str = "", seconds: float = 30) -> Object:
        """Wait until the status says so, of that size."""

        def probe() -> Object | None:
            notebook = self.person.notebook()
            assert notebook
            status = notebook["status"]
            current = status["observedGeneration"] == notebook["metadata"]["generation"]
            found = status.get("resize", {})
            return (
                found
                if current and found.get("state") == state and size in {"", status["instanceType"]}
                else None
            )

        found: Object = eventually(f"the resize of {self.person.name} is {state}", probe, seconds)
        return found

    def container(self) -> tuple[str, str, int]:
        """What changes when a container restarts or is replaced."""
        pod = self.person.pod()
        assert pod
        status = pod["status"]["containerStatuses"][0]
        return pod["metadata"]["uid"], status["containerID"], status["restartCount"]

    def limits(self) -> tuple[int, int]:
        """Memory in bytes and CPU in microseconds of each tenth of a second, as the container's own cgroup has them."""
        in_bytes, quota = self.person.python(LIMITS).split()
        return int(in_bytes), int(quota)


@pytest.fixture
def server(person: NewPerson, kube: Kubectl) -> Callable[[str], Server]:
    def start(size: str) -> Server:
        somebody = person()
        somebody.start(instance_type=size)
        started = Server(somebody, kube)
        started.is_at("Applied", size)
        return started

    return start


NewServer = Callable[[str], Server]


@pytest.fixture
def allocatable(kube: Kubectl) -> int:
    """The memory that the node has for pods, in bytes."""
    node = json.loads(kube("get", "nodes", "-o", "json"))["items"][0]
    return int(number(node["status"]["allocatable"]["memory"]))


def resizes(platform: Platform, since: float, *servers: Server) -> list[audit.Request]:
    """What was asked of the API server for these servers."""
    if not platform.audit_log.exists():
        pytest.skip("this cluster keeps no audit log that a test can read")
    pods = {names.pod(names.notebook(each.person.name)) for each in servers}
    heard = audit.requests(platform.audit_log, since)
    return [each for each in heard if each.resource == "pods/resize" and each.name in pods]


def writes(platform: Platform, since: float, name: str) -> list[str]:
    """What the operator wrote for one notebook."""
    heard = audit.requests(platform.audit_log, since)
    return [
        str(each)
        for each in heard
        if each.writes and each.component == "operator" and each.name in {name, names.pod(name)}
    ]


def test_growing_and_shrinking_restart_nothing(server: NewServer, size: NewSize, platform: Platform) -> None:
    small, large = size("1Gi", cpu="1"), size("3Gi", request="1Gi", cpu="2")
    ada = server(small)
    before = ada.container()
    assert ada.limits() == (GIB, 100_000)
    since = time.time()
    ada.change(large)
    assert ada.is_at("Applied", large)["message"] == f"Size '{large}' is in force."
    assert ada.limits() == (3 * GIB, 200_000)
    status = ada.status()
    assert status["memory"]["limit"] == "3Gi"
    assert status["resources"] == {
        "requested": {"cpu": "2", "memory": "3Gi"},
        "allocated": {"cpu": "50m", "memory": "1Gi"},
        "actual": {"cpu": "2", "memory": "3Gi"},
    }
    assert len(resizes(platform, since, ada)) == 1
    assert len(writes(platform, since, names.notebook(ada.person.name))) <= 3
    ada.change(small)
    ada.is_at("Applied", small)
    assert ada.limits() == (GIB, 100_000)
    assert ada.container() == before
    assert ada.person.answers()


@pytest.mark.alone
def test_a_full_node_makes_it_wait_and_it_comes_by_itself(
    server: NewServer, size: NewSize, allocatable: int
) -> None:
    most = str(int(allocatable * 0.6))
    tiny, big = size("512Mi"), size(most, request=most)
    hog, ada = server(tiny), server(tiny)
    hog.change(big)
    hog.is_at("Applied", big)
    before = ada.container()
    ada.change(big)
    found = ada.is_at("Deferred", big)
    assert found["message"].startswith(f"Waiting for room for {memory(most)} of memory on node '")
    assert found["message"].endswith("it will be applied by itself. Restart to look for room elsewhere.")
    assert ada.status()["resources"]["actual"]["memory"] == "512Mi"
    hog.person.stop()
    ada.is_at("Applied", big)
    assert ada.container() == before


@pytest.mark.alone
def test_a_wish_that_waits_can_be_taken_back(server: NewServer, size: NewSize, allocatable: int) -> None:
    most = str(int(allocatable * 0.6))
    tiny, big = size("512Mi"), size(most, request=most)
    hog, ada = server(tiny), server(tiny)
    hog.change(big)
    hog.is_at("Applied", big)
    ada.change(big)
    ada.is_at("Deferred", big)
    ada.change(tiny)
    ada.is_at("Applied", tiny)


@pytest.mark.alone
def test_a_pod_replaced_while_it_waits_can_become_another_size(
    server: NewServer, size: NewSize, allocatable: int
) -> None:
    most = str(int(allocatable * 0.6))
    tiny, big = size("512Mi"), size(most, request=most)
    hog, ada = server(tiny), server(tiny)
    hog.change(big)
    hog.is_at("Applied", big)
    ada.change(big)
    ada.is_at("Deferred", big)
    ada.kube("delete", "pod", names.pod(names.notebook(ada.person.name)), "--wait=false")
    eventually("a new pod that finds no room", lambda: "No node has room" in ada.status()["message"], 60)
    ada.change(tiny)
    eventually("it runs", lambda: ada.status()["phase"] == "Running", 60)
    ada.is_at("Applied", tiny)
    assert ada.limits()[0] == GIB // 2


def test_no_node_is_that_big(server: NewServer, size: NewSize, allocatable: int, platform: Platform) -> None:
    too_much = str(allocatable * 2)
    tiny, huge = size("512Mi"), size(too_much, request=too_much)
    ada = server(tiny)
    before, since = ada.container(), time.time()
    ada.change(huge)
    found = ada.is_at("Infeasible")
    assert found["reason"] == "NodeTooSmall"
    assert "restart to move to a larger node, or choose a smaller size" in found["message"]
    ada.change(tiny)
    ada.is_at("Applied", tiny)
    assert len(resizes(platform, since, ada)) == 1
    assert ada.container() == before


def test_less_memory_than_is_in_use(server: NewServer, size: NewSize, platform: Platform) -> None:
    roomy, tight = size("1Gi"), size("300Mi")
    ada = server(roomy)
    before = ada.container()
    ada.person.python(HOLD)
    ada.change(tight)
    found = ada.is_at("Refused", seconds=60)
    assert found["reason"] == "MemoryInUse"
    # the kubelet's first measurement may be of before
    eventually("how much is in use", lambda: "MiB are in use" in ada.status()["resize"]["message"], 60)
    assert "free some memory, and it will be applied by itself; or restart." in found["message"]
    since = time.time()
    eventually("the kubelet tried again, twice", lambda: errors(ada) >= 3, 90)
    assert writes(platform, since, names.notebook(ada.person.name)) == []
    assert ada.status()["memory"]["limit"] == "1Gi"
    ada.person.python(RELEASE)
    ada.is_at("Applied", tight, seconds=60)
    assert ada.container() == before


def errors(server: Server) -> int:
    """How often the kubelet said that a resize went wrong."""
    pod = names.pod(names.notebook(server.person.name))
    found = server.kube.items("events", "")
    return sum(
        each.get("count") or each.get("series", {}).get("count", 1)
        for each in found
        if each["involvedObject"]["name"] == pod and each["reason"] == "ResizeError"
    )


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"gpu": {"resource": "nvidia.com/gpu", "count": 1}}, "Graphics processors are given"),
        ({"nodeSelector": {"pool": "elsewhere"}}, "This size needs another kind of node"),
        ({"request": "1Gi", "cpu_request": "1"}, "This size has another guarantee"),
    ],
)
def test_what_only_a_restart_can_do_says_so(
    server: NewServer, size: NewSize, platform: Platform, spec: Object, sentence: str
) -> None:
    tiny, other = size("512Mi"), size("1Gi", **spec)
    ada = server(tiny)
    before, since = ada.container(), time.time()
    ada.change(other)
    found = ada.is_at("Infeasible")
    assert found["reason"] == "RestartNeeded"
    assert found["message"].startswith(sentence)
    assert resizes(platform, since, ada) == []
    assert ada.container() == before


def test_a_storm_of_changes_ends_at_the_last(server: NewServer, size: NewSize) -> None:
    sizes = [size(f"{512 + 64 * step}Mi") for step in range(4)]
    ada = server(sizes[0])
    before = ada.container()
    for turn in range(20):
        ada.change(sizes[turn % 3])
    ada.change(sizes[3])
    ada.is_at("Applied", sizes[3])
    assert ada.limits()[0] == (512 + 64 * 3) * 1024**2
    assert ada.container() == before


@pytest.mark.alone
def test_an_operator_that_was_away_goes_to_the_last_size_at_once(
    server: NewServer, size: NewSize, kube: Kubectl, platform: Platform
) -> None:
    small, medium, large = size("512Mi"), size("768Mi"), size("1Gi")
    ada = server(small)
    kube("scale", "deployment", "operator", "--replicas=0")
    try:
        eventually("no operator", lambda: not kube.items("pods", "app.kubernetes.io/component=operator"), 60)
        since = time.time()
        ada.change(medium)
        ada.change(large)
    finally:
        kube("scale", "deployment", "operator", "--replicas=1")
        kube("rollout", "status", "deployment", "operator", "--timeout=120s")
    ada.is_at("Applied", large)
    assert ada.limits()[0] == GIB
    assert len(resizes(platform, since, ada)) == 1


def test_a_change_while_it_starts(person: NewPerson, kube: Kubectl, size: NewSize) -> None:
    small, large = size("512Mi"), size("1Gi")
    ada = Server(person(), kube)
    answer = ada.person.ask(instance_type=small)
    assert answer.status_code in {201, 202}, answer.text
    ada.change(large)
    eventually("the server ready", ada.person.is_ready, 60)
    ada.is_at("Applied", large)
    assert ada.limits()[0] == GIB


def test_a_change_while_it_stops_is_for_the_next_start(server: NewServer, size: NewSize) -> None:
    small, large = size("512Mi"), size("1Gi")
    ada = server(small)
    answer = ada.person.hub.delete(ada.person.path())
    assert answer.status_code in {202, 204}, answer.text
    ada.change(large)
    ada.person.eventually_stopped()
    eventually("it is stopped", lambda: ada.status()["phase"] == "Stopped", 30)
    assert "resize" not in ada.status()


@pytest.mark.alone
def test_an_admins_change_reaches_all_at_a_steady_rate(
    server: NewServer, size: NewSize, kube: Kubectl, platform: Platform
) -> None:
    common = size("512Mi")
    servers = [server(common) for _ in range(4)]
    since = time.time()
    kube("patch", "instancetype", common, "--type=merge", "-p", '{"spec":{"memory":{"limit":"768Mi"}}}')
    for each in servers:
        each.is_at("Applied", common)
        eventually("its limit", lambda each=each: each.status()["memory"]["limit"] == "768Mi", 30)
    asked = [each.time for each in resizes(platform, since, *servers)]
    assert len(asked) == 4
    assert all(later - earlier > 0.4 for earlier, later in pairwise(asked)), asked


def test_an_admins_change_can_wait_for_the_next_start(
    server: NewServer, size: NewSize, kube: Kubectl, platform: Platform
) -> None:
    common = size("512Mi", applyChanges="NextStart")
    ada = server(common)
    since = time.time()
    kube("patch", "instancetype", common, "--type=merge", "-p", '{"spec":{"memory":{"limit":"768Mi"}}}')
    found = ada.is_at("Pending")
    assert (
        found["message"] == f"An administrator changed size '{common}'; the change applies at the next start."
    )
    assert resizes(platform, since, ada) == []
    ada.person.stop()
    ada.person.start(instance_type=common)
    ada.is_at("Applied", common)
    assert ada.limits()[0] == 768 * 1024**2


def test_a_size_that_is_deleted_leaves_its_servers_running(
    server: NewServer, size: NewSize, kube: Kubectl
) -> None:
    gone = size("512Mi")
    ada = server(gone)
    before = ada.container()
    kube("delete", "instancetype", gone)
    found = ada.is_at("Refused")
    assert found["message"].startswith(f"There is no size '{gone}' (any more). Sizes you may use: ")
    assert found["message"].endswith("The server goes on as it is.")
    assert ada.container() == before
    assert ada.person.answers()


def test_a_size_that_is_not_for_this_person_changes_nothing(server: NewServer, size: NewSize) -> None:
    tiny, theirs = size("512Mi"), size("1Gi", allowedGroups=["somebody-else"])
    ada = server(tiny)
    ada.change(theirs)
    found = ada.is_at("Refused")
    assert found["reason"] == "InstanceTypeForbidden"
    assert "Sizes you may use: " in found["message"]
    assert ada.limits()[0] == GIB // 2
    ada.change(tiny)
    ada.is_at("Applied", tiny)
