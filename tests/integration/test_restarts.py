"""Operator and hub restart while a notebook runs: the person at work notices nothing, and nothing is written."""

import time
from collections.abc import Callable

import httpx
import pytest

from support.cluster import Kubectl, Person, eventually, restart
from support.hub import hub_answers

pytestmark = [pytest.mark.cluster, pytest.mark.alone]

NewPerson = Callable[..., Person]

FORGET = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as database:
    database.execute("UPDATE spawners SET state = '{}' WHERE user_id = (SELECT id FROM users WHERE name = ?)", sys.argv[2:])
"""


def test_an_operator_restart_writes_nothing(person: NewPerson, kube: Kubectl) -> None:
    ada = person()
    ada.start()
    ada.settle()
    before, pod = ada.versions(), ada.pod_uid()
    assert len(before) >= 6, before
    restart(kube, "operator")
    time.sleep(10)
    assert ada.versions() == before
    assert ada.pod_uid() == pod


def test_the_hub_finds_its_servers_after_a_restart(
    person: NewPerson, hub: httpx.Client, kube: Kubectl
) -> None:
    ada = person()
    ada.start()
    before, pod = ada.versions(), ada.pod_uid()
    restart(kube, "hub")
    eventually("the hub answers", lambda: hub_answers(hub), 60)
    eventually("the server is known to be ready", ada.is_ready, 30)
    assert ada.answers()
    assert ada.pod_uid() == pod
    assert ada.versions() == before


def test_the_hub_needs_no_state_of_its_own(person: NewPerson, hub: httpx.Client, kube: Kubectl) -> None:
    ada = person()
    ada.start()
    pod = ada.pod_uid()
    database = kube(
        "exec", "deploy/hub", "--", "sh", "-c", "find / -name jupyterhub.sqlite 2>/dev/null | head -1"
    )
    if not database.strip():
        pytest.skip("the hub's database is not a file in its pod")
    kube("exec", "-i", "deploy/hub", "--", "python3", "-", database.strip(), ada.name, stdin=FORGET)
    restart(kube, "hub")
    eventually("the hub answers", lambda: hub_answers(hub), 60)
    eventually("the server is known to be ready", ada.is_ready, 30)
    assert ada.answers()
    assert ada.pod_uid() == pod
    ada.stop()
    assert ada.pod() is None
