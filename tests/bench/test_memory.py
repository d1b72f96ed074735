"""How soon the memory guard acts on 500 MB/s, and what it costs: the guard of a real server, at rest and near its limit."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.cluster import Kubectl, Person, eventually, unique
from support.figures import half, percentile, report
from support.kernels import Kernel

pytestmark = [pytest.mark.cluster, pytest.mark.bench]

LIMIT = 768
MIB = 2**20
SECONDS = 20

# Says in which second of its own clock it was ended, and how much it held by then.
ALLOCATE = """
import time
held, began = [], time.monotonic()
try:
    while len(held) * 10 < 3000:
        held.append(b"x" * (10 << 20))
        time.sleep(max(0, began + len(held) * 10 / 500 - time.monotonic()))
except BaseException as error:
    print(type(error).__name__, len(held) * 10, time.monotonic() - began)
    del held
"""

# The guard's own modules in a process of their own: what importing them and a thread of theirs take.
COST = """
import json, os, sys, time
from pathlib import Path

def held():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

before = held()
from carrel_lab.guard.agent import Agent, Voices
from carrel_lab.guard.cgroup import Cgroup
from carrel_lab.guard.evidence import Evidence
from carrel_lab.guard.growth import Growth
from carrel_lab.guard.notices import Notices
from carrel_lab.guard.reporter import Reporter

notices = Notices()
voices = Voices(notices, Reporter(None, notices, Path("/tmp")), Growth(None, notices), Evidence(Path("/tmp/bench-evidence")))
agent = Agent(Cgroup(), dict, voices)
began = time.process_time()
agent.start()
time.sleep({seconds})
print(json.dumps([(time.process_time() - began) / {seconds} * 100, (held() - before) / 2**20]))
"""


@pytest.fixture
def size(kube: Kubectl) -> Iterator[str]:
    name = unique("bench-memory")
    spec = {
        "cpu": {"request": "100m", "limit": "2"},
        "memory": {"request": "256Mi", "limit": f"{LIMIT}Mi"},
    }
    body = {"apiVersion": "carrel.dev/v1", "kind": "InstanceType", "metadata": {"name": name}, "spec": spec}
    kube.apply(body)
    yield name
    kube("delete", "instancetype", name)


def memory(somebody: Person) -> dict[str, int]:
    found: dict[str, int] = somebody.web("carrel/usage").json()["memory"]
    return found


def cost(somebody: Person) -> tuple[float, float]:
    """Percent of a core, and MiB."""
    percent, mib = json.loads(somebody.python(COST.format(seconds=SECONDS)).splitlines()[-1])
    return percent, mib


def test_reaction_and_cost(person: Callable[..., Person], size: str, rounds: int) -> None:
    ada = person()
    ada.start(instance_type=size)
    kernel = Kernel.start(ada, "bench.ipynb")
    left, early = [], []
    for _ in range(rounds):
        before = memory(ada)["used"] / MIB
        name, held, seconds = kernel.run(ALLOCATE, 60).said.split()
        assert name == "MemoryLimitReached"
        left.append(LIMIT - before - int(held))
        early.append(left[-1] / (int(held) / float(seconds)) * 1000)
        eventually("it is freed", lambda: memory(ada)["used"] < 0.6 * LIMIT * MIB, 20)
    rest = cost(ada)
    fill = int(LIMIT * 0.88 - memory(ada)["used"] / MIB) - 30
    assert kernel.run(f"kept = b'x' * ({fill} << 20)").ended
    share = memory(ada)["used"] / MIB / LIMIT
    near = cost(ada)
    show(left, early, [("at rest", *rest), (f"steady at {share:.0%} of the limit", *near)])


def show(left: list[float], early: list[float], costs: list[tuple[Any, ...]]) -> None:
    report(
        f"Memory guard, a cell that allocates 500 MB/s in {LIMIT} MiB, {len(left)} rounds",
        ("", "p50", "p95", "least"),
        [
            ("MiB that were left when the cell ended", half(left), percentile(left, 95), min(left)),
            (
                "ms until the OOM killer would have come",
                half(early),
                percentile(early, 95),
                min(early),
            ),
        ],
    )
    report(
        "Cost of the memory guard",
        ("", "% of a core (allowed: 0.5)", "MiB, its modules loaded anew (allowed: 30)"),
        costs,
    )
