"""Memory that runs out, on a real cluster: the server grows, or the cell to blame ends, and it is always explained."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from carrel_operator import names
from support.cluster import Kubectl, Object, Person, eventually, unique
from support.kernels import Kernel

pytestmark = [pytest.mark.cluster, pytest.mark.alone]

NewPerson = Callable[..., Person]
MIB = 2**20

# b"x" * n touches every page; bytearray(n) would not.
ALLOCATE = """
import time
held, began = [], time.monotonic()
while len(held) * 10 < {mib}:
    held.append(b"x" * (10 << 20))
    time.sleep(max(0, began + len(held) * 10 / {rate} - time.monotonic()))
print("held", len(held) * 10)
"""
DEAF = """
import signal
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
held = [b"x" * (10 << 20) for _ in range(300)]
print("held")
"""
IN_C = "import ctypes; m = ctypes.create_string_buffer(1); libc = ctypes.CDLL(None); libc.malloc.restype = ctypes.c_void_p; p = libc.malloc(ctypes.c_size_t({mib} << 20)); libc.memset(ctypes.c_void_p(p), 1, ctypes.c_size_t({mib} << 20)); print('held')"


@pytest.fixture
def sizes(kube: Kubectl) -> Iterator[Callable[..., str]]:
    """Makes sizes of so many MiB, that grow to others."""
    made: list[str] = []

    def new(memory: int, **spec: Any) -> str:
        made.append(unique("mem"))
        figures = {
            "cpu": {"request": "100m", "limit": "2"},
            "memory": {"request": "256Mi", "limit": f"{memory}Mi"},
        }
        body = {"apiVersion": "carrel.dev/v1", "kind": "InstanceType", "metadata": {"name": made[-1]}}
        kube.apply(body | {"spec": figures | spec})
        return made[-1]

    yield new
    kube("delete", "instancetype", *made)


def restarts(somebody: Person) -> int:
    pod = somebody.pod()
    assert pod
    return int(pod["status"]["containerStatuses"][0]["restartCount"])


def last_kill(somebody: Person) -> Object:
    """What the Notebook's status says, once it does."""

    def told() -> Object | None:
        notebook = somebody.notebook()
        assert notebook
        found: Object | None = notebook["status"].get("memory", {}).get("lastKill")
        return found

    found: Object = eventually("the post-mortem is in the status", told, 30)
    return found


def events(kube: Kubectl, somebody: Person) -> list[str]:
    found = json.loads(kube("get", "events", "-o", "json"))["items"]
    name = names.notebook(somebody.name)
    return [each["reason"] for each in found if each["involvedObject"]["name"] == name]


def usage(somebody: Person) -> Object:
    answer = somebody.web("carrel/usage")
    assert answer.status_code == 200, answer.text
    found: Object = answer.json()
    return found


def test_a_cell_that_needs_three_times_the_memory_gets_it(
    person: NewPerson, sizes: Callable[..., str]
) -> None:
    large = sizes(2304)
    medium = sizes(1152, growTo=large)
    small = sizes(576, growTo=medium)
    ada = person()
    ada.start(instance_type=small)
    kernel = Kernel.start(ada, "big.ipynb")
    assert kernel.run("kept = 42").ended
    outcome = kernel.run(ALLOCATE.format(mib=1728, rate=100), 120)
    assert (outcome.error, outcome.said) == (None, "held 1730\n")
    assert kernel.run("print(kept, len(held))").said == "42 173\n"
    assert restarts(ada) == 0
    notebook = ada.notebook()
    assert notebook
    assert notebook["spec"]["instanceType"] == large
    assert "lastKill" not in notebook["status"]["memory"]
    assert usage(ada)["last_kill"] is None


@pytest.mark.parametrize("rate", [100, 500])
def test_without_a_larger_size_the_cell_ends_and_says_why(
    person: NewPerson, sizes: Callable[..., str], kube: Kubectl, rate: int
) -> None:
    ada = person()
    ada.start(instance_type=sizes(768))
    blamed, bystander = Kernel.start(ada, "big.ipynb"), Kernel.start(ada, "other.ipynb")
    assert bystander.run("treasure = 42").ended
    assert blamed.run("kept = 7").ended
    outcome = blamed.run(ALLOCATE.format(mib=2304, rate=rate), 120)
    assert outcome.error, outcome
    name, message = outcome.error
    assert name == "MemoryLimitReached"
    assert message.startswith("Cell [2] of big.ipynb was stopped before it used up the server's memory: ")
    assert "of 768 MiB were in use" in message
    assert blamed.run("print(kept)").said == "7\n"
    assert bystander.run("print(treasure)").said == "42\n"
    found = last_kill(ada)
    assert found["action"] == "Interrupted"
    assert found["notebook"] == "big.ipynb"
    assert found["cell"] == "[2] import time"
    assert 500 * MIB < int(found["peak"]) < int(found["limit"]) == 768 * MIB
    assert "Interrupted" in events(kube, ada)
    assert restarts(ada) == 0


@pytest.mark.parametrize("code", [DEAF, IN_C.format(mib=2304)])
def test_a_cell_that_does_not_listen_costs_its_own_kernel_alone(
    person: NewPerson, sizes: Callable[..., str], kube: Kubectl, code: str
) -> None:
    ada = person()
    ada.start(instance_type=sizes(768))
    blamed, bystander = Kernel.start(ada, "big.ipynb"), Kernel.start(ada, "other.ipynb")
    assert bystander.run("treasure = 42").ended
    outcome = blamed.run(code, 20)
    assert "held" not in outcome.said
    eventually("the kill is told", lambda: last_kill(ada)["action"] == "KernelKilled", 30)
    found = last_kill(ada)
    assert found.get("notebook") == "big.ipynb", found
    assert found["message"].startswith(
        "The kernel of big.ipynb was stopped, because cell [1] used up the memory"
    )
    assert bystander.run("print(treasure)").said == "42\n"
    assert restarts(ada) == 0
    assert "KernelKilled" in events(kube, ada)
    eventually("its kernel is there again", lambda: blamed.run("print(1)", 20).said == "1\n", 60)


def test_a_server_killed_from_outside_is_explained(person: NewPerson, sizes: Callable[..., str]) -> None:
    ada = person()
    ada.start(instance_type=sizes(640))
    kernel = Kernel.start(ada, "big.ipynb")
    used = usage(ada)["memory"]["used"] // MIB
    assert kernel.run(ALLOCATE.format(mib=int(640 * 0.89) - used - 40, rate=100)).ended
    eventually("nearly full", lambda: usage(ada)["memory"]["used"] > 0.86 * 640 * MIB, 10)
    eventually(
        "a note of it",
        lambda: "carrel-memory.json" in ada.python("import os; print(os.listdir('/tmp/jupyter-runtime'))"),
        10,
    )
    ada.python(
        "import os, signal; [os.kill(int(p), 9) for p in os.listdir('/proc') if p.isdigit() and b'carrel_lab.start' in open(f'/proc/{p}/cmdline', 'rb').read() and int(p) != 1]"
    )
    eventually("the container started again", lambda: restarts(ada) == 1, 60)
    eventually("it answers", ada.answers, 60)
    found = last_kill(ada)
    assert found["action"] == "ServerKilled"
    assert found["notebook"] == "big.ipynb"
    assert "was stopped from outside" in found["message"]
    assert usage(ada)["last_kill"]["action"] == "ServerKilled"
