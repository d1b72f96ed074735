"""Ordinary work for as long as one likes: nothing may be interrupted, killed or warned of that had room enough."""

import os
from collections.abc import Callable
from itertools import takewhile
from typing import Any

import pytest

from support.cluster import Person, quoted
from support.figures import report
from support.hub import events
from support.kernels import Kernel

pytestmark = [pytest.mark.cluster, pytest.mark.bench]

MINUTES = float(os.environ.get("CARREL_BENCH_MINUTES", "10"))
ROUND = min(300.0, MINUTES * 60)  # seconds of work between two looks

# What an analyst does all day, up to four fifths of the memory and more than once within a second: load, join, group,
# plot, fit, read a file that is larger than what is free, think.
WORK = """
import gc, os, random, time
from pathlib import Path
import numpy, pandas
deadline, did = time.monotonic() + {seconds}, 0
limit = int(next(f for f in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")) if f.exists()).read_text())
file = Path("/tmp/ordinary.bin")
def load():
    rows = int(limit * random.uniform(0.05, 0.12) / 32)
    return pandas.DataFrame({{"key": numpy.random.randint(0, 1000, rows), "a": numpy.random.rand(rows), "b": numpy.random.rand(rows)}})
def group():
    frame = load()
    return frame.groupby("key").agg(["mean", "max"]).shape
def join():
    frame = load()
    return frame.merge(frame.groupby("key").mean(), on="key").shape
def steady():
    kept = numpy.ones(int(limit * 0.35 / 8)); time.sleep(random.uniform(1, 8)); return kept.sum()
def read():
    if not file.exists():
        with file.open("wb") as out:
            for _ in range(40): out.write(os.urandom(10 << 20))
    with file.open("rb") as source:
        return sum(len(part) for part in iter(lambda: source.read(1 << 20), b""))
def think():
    gc.collect(); time.sleep(random.uniform(0.5, 10))
while time.monotonic() < deadline:
    random.choice([group, join, steady, read, think])()
    did += 1
print(did)
"""


def test_an_hour_of_ordinary_work(person: Callable[..., Person]) -> None:
    ada = person()
    ada.start()
    kernels = [Kernel.start(ada, f"work-{number}.ipynb") for number in range(2)]
    did, peak, spent = 0, 0.0, 0.0
    while spent < MINUTES * 60:
        outcome = kernels[0].run(WORK.format(seconds=ROUND), ROUND + 120)
        assert outcome.ended, outcome
        assert outcome.error is None, outcome
        did += int(outcome.said)
        spent += ROUND
        memory = ada.web("carrel/usage").json()["memory"]
        peak = max(peak, memory["peak"] / memory["limit"])
    notices, notebook = told(ada), ada.notebook()
    assert notebook
    killed = notebook["status"]["memory"].get("lastKill", {})
    report(
        f"False alarms in {spent / 60:.0f} minutes of ordinary work ({did} steps, at most {peak:.0%} of the memory)",
        ("notices", "lines about a kill"),
        [(len(notices), len(killed))],
    )
    assert (notices, killed) == ([], {})
    assert kernels[1].run("print('alive')").said == "alive\n"


def told(somebody: Person) -> list[dict[str, Any]]:
    """Every notice about memory that JupyterLab would show now: they come first, and then how much is in use."""
    address = f"{somebody.url}/user/{quoted(somebody.name)}/carrel/events"
    notices = takewhile(lambda event: "kind" in event, events(somebody.hub, address))
    return [each for each in notices if each["kind"] != "disk"]  # a laptop's own disk may well be full
