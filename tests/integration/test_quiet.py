"""A platform at rest writes nothing, and neither does one whose parts come back: seen in the API server's audit log."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from support import audit
from support.cluster import Kubectl, Person, Platform, eventually, restart
from support.hub import hub_answers

pytestmark = [pytest.mark.cluster, pytest.mark.alone]

NewPerson = Callable[..., Person]
A_WHILE = 60


@pytest.fixture(scope="module")
def log(platform: Platform) -> Path:
    file = platform.audit_log
    if not file.exists():
        pytest.skip("this cluster keeps no audit log that a test can read")
    return file


def writes(log: Path, since: float, component: str = "") -> list[str]:
    """What hub and operator wrote; nobody else uses the platform meanwhile."""
    heard = audit.requests(log, since)
    return [str(each) for each in heard if each.writes and component in {"", each.component}]


def settled(somebody: Person, log: Path) -> dict[str, str]:
    """The versions of the person's objects, once the last words about any start or stop are written."""
    eventually("nothing is written for 5 s", lambda: not writes(log, time.time() - 5), 60)
    return somebody.versions()


def test_a_running_server_and_a_stopped_one_cost_no_write(person: NewPerson, log: Path) -> None:
    ada, alan = person(), person()
    ada.start()
    alan.start()
    alan.stop()
    before, since = (settled(ada, log), settled(alan, log)), time.time()
    time.sleep(A_WHILE)
    assert writes(log, since) == []
    assert (ada.versions(), alan.versions()) == before


def test_the_log_would_have_told(person: NewPerson, log: Path) -> None:
    """The silence above means something: a start is heard, and is as short as promised."""
    ada, since = person(), time.time()
    ada.start()
    settled(ada, log)
    by_hub = writes(log, since, "hub")
    reports = [each for each in by_hub if "notebooks/status" in each]  # how full the home is, once
    assert len(by_hub) - len(reports) == 3, by_hub
    assert len(reports) <= 1, by_hub
    by_operator = writes(log, since, "operator")
    beside = [each for each in by_operator if "notebooks" in each]
    # a number, an account, a home, a Service, a NetworkPolicy and a pod
    assert len(by_operator) - len(beside) == 6, by_operator
    assert 1 <= len(beside) <= 4, by_operator


def test_parts_that_come_back_write_nothing(
    person: NewPerson, log: Path, kube: Kubectl, hub: httpx.Client
) -> None:
    ada = person()
    ada.start()
    before, since = settled(ada, log), time.time()
    restart(kube, "operator")
    restart(kube, "hub")
    eventually("the hub answers", lambda: hub_answers(hub), 60)
    eventually("the server is known to be ready", ada.is_ready, 30)
    time.sleep(10)
    assert writes(log, since) == []
    assert ada.versions() == before
