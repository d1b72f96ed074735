"""What ten servers cost the API server and the platform's own parts: to start, to keep, to stop, and at restarts."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support import audit, cpu
from support.cluster import Kubectl, Person, Platform, eventually, restart
from support.figures import half, percentile, report

from .conftest import component_uid

pytestmark = [pytest.mark.cluster, pytest.mark.bench]

MANY = 10
REST = 120  # seconds
PARTS = ("hub", "operator")


@pytest.fixture
def log(platform: Platform) -> Path:
    if not platform.audit_log.exists():
        pytest.skip("this cluster keeps no audit log that a benchmark can read")
    return platform.audit_log


@pytest.fixture
def crowd(person: Callable[..., Person]) -> list[Person]:
    return [person() for _ in range(MANY)]


def used(kube: Kubectl) -> dict[str, float]:
    return {part: cpu.milliseconds(component_uid(kube, part)) or 0.0 for part in PARTS}


def test_requests_and_cpu_of_ten_servers(crowd: list[Person], kube: Kubectl, log: Path) -> None:
    one_by_one(crowd[:3], log)
    at_once(crowd, kube, log)
    at_rest(kube, log)
    after_restarts(crowd, kube, log)
    stopped(crowd, log)


def one_by_one(some: list[Person], log: Path) -> None:
    """The requests of a start with nothing else going on; the first of a person makes the home too."""
    rows: list[tuple[object, ...]] = []
    for title in ("first start ever", "later start"):
        since = time.time()
        for each in some:
            each.start()
            each.settle()
        heard = audit.requests(log, since)
        rows.extend((title, part, *counted(heard, part, len(some))) for part in PARTS)
        for each in some:
            each.stop()
    report(
        f"API requests of a start, {len(some)} one by one (KubeSpawner: 3.0 by the hub; Kubeflow: 25 writes a notebook)",
        ("", "part", "requests", "writes", "beside the children", "writes by kind"),
        rows,
    )


def counted(heard: list[audit.Request], part: str, starts: int) -> tuple[object, ...]:
    mine = [each for each in heard if each.component == part]
    writes = [each for each in mine if each.writes]
    children = {"pods", "services", "serviceaccounts", "persistentvolumeclaims", "networkpolicies"}
    beside = [each for each in writes if each.resource not in children]
    kinds = Counter(f"{each.verb} {each.resource}" for each in writes)
    words = ", ".join(f"{count / starts:.1f} {kind}" for kind, count in sorted(kinds.items()))
    return len(mine) / starts, len(writes) / starts, len(beside) / starts, words


def at_once(crowd: list[Person], kube: Kubectl, log: Path) -> None:
    before, since, began = used(kube), time.time(), time.monotonic()

    def start(each: Person) -> float:
        answer = each.ask()
        assert answer.status_code in {201, 202}, answer.text
        eventually("ready", each.is_ready, 180, every=0.5)
        return (time.monotonic() - began) * 1000

    with ThreadPoolExecutor(len(crowd)) as pool:
        times = list(pool.map(start, crowd))
    heard, after = audit.requests(log, since), used(kube)
    report(
        f"{len(crowd)} starts at once (KubeSpawner: 35 to 42 s p50, hub 154 to 201 CPU ms and 2.6 to 3.0 requests each)",
        ("", "value"),
        [
            ("POST → ready p50, ms", half(times)),
            ("POST → ready p95, ms", percentile(times, 95)),
            *((f"{part} CPU ms a start", (after[part] - before[part]) / len(crowd)) for part in PARTS),
            *((f"{part} requests a start", requests_of(heard, part) / len(crowd)) for part in PARTS),
        ],
    )


def requests_of(heard: list[audit.Request], part: str) -> int:
    return sum(each.component == part for each in heard)


def at_rest(kube: Kubectl, log: Path) -> None:
    eventually("nothing is heard for 10 s", lambda: not audit.requests(log, time.time() - 10), 120)
    before, since = used(kube), time.time()
    time.sleep(REST)
    heard, after, minutes = audit.requests(log, since), used(kube), REST / 60
    report(
        f"At rest with {MANY} servers, {REST} s (KubeSpawner: 24 requests and 1007 CPU ms a minute)",
        ("part", "requests a minute", "writes", "CPU ms a minute"),
        [
            (
                part,
                requests_of(heard, part) / minutes,
                sum(each.writes for each in heard if each.component == part),
                (after[part] - before[part]) / minutes,
            )
            for part in PARTS
        ],
    )


def after_restarts(crowd: list[Person], kube: Kubectl, log: Path) -> None:
    rows: list[tuple[object, ...]] = []
    for part in PARTS:
        pods = [each.pod_uid() for each in crowd]
        since = time.time()
        restart(kube, part)
        eventually("the hub knows every server", lambda: all(is_ready(each) for each in crowd), 120, every=1)
        time.sleep(10)
        heard = [each for each in audit.requests(log, since) if each.component == part]
        same = pods == [each.pod_uid() for each in crowd]
        rows.append((part, len(heard), sum(each.writes for each in heard), "all" if same else "NOT ALL"))
    report(f"Restart with {MANY} servers", ("part", "requests", "writes", "pods that stayed"), rows)


def is_ready(somebody: Person) -> bool:
    try:
        return somebody.is_ready()
    except Exception:  # noqa: BLE001 - a hub that comes up breaks connections in many ways
        return False


def stopped(crowd: list[Person], log: Path) -> None:
    since, times = time.time(), []
    for each in crowd:
        began = time.monotonic()
        each.stop()
        times.append((time.monotonic() - began) * 1000)
    heard = audit.requests(log, since)
    report(
        "A stop (KubeSpawner: 2.6 to 4.6 s p50, 2.2 to 2.6 requests)",
        ("", "value"),
        [
            ("DELETE → stopped p50, ms", half(times)),
            ("DELETE → stopped p95, ms", percentile(times, 95)),
            *((f"{part} requests a stop", requests_of(heard, part) / len(crowd)) for part in PARTS),
        ],
    )
