"""A start and a stop beside KubeSpawner's, in turns, on the same cluster, seen from the same place."""

import time
from collections.abc import Callable

import pytest

from support import audit, cpu
from support.cluster import Kubectl, Person, Platform
from support.figures import half, percentile, report

from . import peer
from .conftest import component_uid

pytestmark = [pytest.mark.cluster, pytest.mark.bench]

OUR_PARTS = ("hub", "operator", "proxy")


def test_a_start_beside_kubespawners(
    person: Callable[..., Person], kube: Kubectl, platform: Platform, rounds: int
) -> None:
    ada = person()
    ada.servers.add("")
    with peer.running(platform, kube) as other:
        other.round("ada")  # each home is made once
        other.our_round(ada.name)
        theirs, ours, their_cpu, our_cpu = [], [], [], []
        since = time.time()
        for _ in range(rounds):
            before = cpu.milliseconds(other.uid) or 0.0
            theirs.append(other.round("ada"))
            their_cpu.append((cpu.milliseconds(other.uid) or 0.0) - before)
            before = used(kube)
            ours.append(other.our_round(ada.name))
            our_cpu.append(used(kube) - before)
        heard = audit.requests(platform.audit_log, since) if platform.audit_log.exists() else []
    rows = [
        row("start → ready, ms", [each[0] for each in ours], [each[0] for each in theirs]),
        row("stop → gone, ms", [each[1] for each in ours], [each[1] for each in theirs]),
        row("CPU ms of all parts, start and stop", our_cpu, their_cpu),
    ]
    their_requests = sum(each.component == peer.ACCOUNT for each in heard) / rounds
    our_requests = sum(each.component == "hub" for each in heard) / rounds
    requests = ("the hub's API requests, start and stop", our_requests, None, their_requests, None)
    report(
        f"Beside JupyterHub with KubeSpawner, {rounds} rounds in turns",
        ("", "ours p50", "p95", "KubeSpawner p50", "p95", "ratio of p50"),
        [*rows, (*requests, our_requests / their_requests if their_requests else None)],
    )


def used(kube: Kubectl) -> float:
    return sum(cpu.milliseconds(component_uid(kube, part)) or 0.0 for part in OUR_PARTS)


def row(title: str, ours: list[float], theirs: list[float]) -> tuple[object, ...]:
    mine, its = half(ours), half(theirs)
    return (title, mine, percentile(ours, 95), its, percentile(theirs, 95), mine / its if its else None)
