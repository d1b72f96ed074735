"""What is counted of pods as they come, change and go."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from carrel_operator.api import Metadata, Notebook, Status
from carrel_warehouse.cluster_view import Pod
from carrel_warehouse.ledger.pods import PodHours
from carrel_warehouse.ledger.store import KEPT_DAYS, Ledger
from unit.ledger.doubles import ViewDouble

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
BODY: dict[str, Any] = {
    "metadata": {
        "name": "nb-ada",
        "uid": "uid-1",
        "labels": {
            "app.kubernetes.io/name": "notebook",
            "carrel.dev/notebook": "ada",
        },
        "annotations": {
            "carrel.dev/owner": "ada",
            "carrel.dev/instance-type": "small",
            "carrel.dev/session": "s1",
        },
    },
    "status": {"phase": "Running", "podIP": "10.0.0.1", "startTime": "2026-11-28T12:00:00Z"},
}
POD = Pod.parse(BODY)


def later(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def minutes(ledger: Ledger) -> dict[str, float]:
    return {each.size: each.seconds / 60 for each in ledger.times(START.date())}


def test_a_server_that_runs_is_counted_to_its_person(ledger: Ledger) -> None:
    hours = PodHours(ViewDouble([POD]), ledger)
    for at in (0, 1, 2.5):
        hours.tick(later(at))
    (found,) = ledger.times(START.date())
    assert (found.person, found.project, found.notebook) == ("ada", "", "ada")
    assert (found.size, found.price_per_hour, found.seconds) == ("small", 0.5, 150)


def test_a_team_server_is_counted_to_its_project(ledger: Ledger) -> None:
    labels = {**BODY["metadata"]["labels"], "carrel.dev/project": "risk"}
    pod = Pod.parse({**BODY, "metadata": {**BODY["metadata"], "labels": labels}})
    PodHours(ViewDouble([pod]), ledger).tick(later(1))
    assert ledger.times(START.date())[0].project == "risk"


def test_another_process_goes_on_where_the_last_one_ended(ledger: Ledger, folder: Path) -> None:
    PodHours(ViewDouble([POD]), ledger).tick(later(10))
    second = Ledger(folder)
    PodHours(ViewDouble([POD]), second).tick(later(15))
    assert minutes(second) == {"small": 15}
    second.close()


def test_a_pod_that_disappears_is_counted_once_more(ledger: Ledger) -> None:
    view = ViewDouble([POD])
    hours = PodHours(view, ledger)
    hours.tick(later(1))
    view.known = []
    hours.tick(later(1.5))
    hours.tick(later(60))
    assert minutes(ledger) == {"small": 1.5}
    assert ledger.counted() == {}


def test_a_pod_that_has_ended_is_counted_until_then(ledger: Ledger) -> None:
    ended = {"state": {"terminated": {"finishedAt": "2026-11-28T12:20:00Z"}}}
    body = {**BODY, "status": {**BODY["status"], "phase": "Succeeded", "containerStatuses": [ended]}}
    hours = PodHours(ViewDouble([Pod.parse(body)]), ledger)
    hours.tick(later(60))
    hours.tick(later(120))
    assert minutes(ledger) == {"small": 20}


def test_an_evicted_pod_that_says_no_end_is_counted_until_it_is_noticed(ledger: Ledger) -> None:
    view = ViewDouble([POD])
    hours = PodHours(view, ledger)
    hours.tick(later(1))
    view.known = [replace(POD, phase="Failed")]
    hours.tick(later(2))
    hours.tick(later(60))
    assert minutes(ledger) == {"small": 2}


def test_a_pod_without_a_node_costs_nothing(ledger: Ledger) -> None:
    PodHours(ViewDouble([replace(POD, started="")]), ledger).tick(later(60))
    assert minutes(ledger) == {}


def test_another_size_costs_another_price_from_when_it_is_seen(ledger: Ledger) -> None:
    view = ViewDouble([POD])
    hours = PodHours(view, ledger)
    hours.tick(later(10))
    metadata = Metadata.parse({"metadata": {"name": "ada", "namespace": "carrel", "uid": "n"}})
    status = Status(session="s1", instance_type="large")
    view.notebooks = {"ada": Notebook(metadata, owner="ada", instance_type="large", image="i", status=status)}
    hours.tick(later(11))
    hours.tick(later(20))
    assert minutes(ledger) == {"small": 11, "large": 9}


def test_the_status_of_an_earlier_start_says_nothing_of_this_one(ledger: Ledger) -> None:
    metadata = Metadata.parse({"metadata": {"name": "ada", "namespace": "carrel", "uid": "n"}})
    status = Status(session="s0", instance_type="large")
    notebook = Notebook(metadata, owner="ada", instance_type="small", image="i", status=status)
    PodHours(ViewDouble([POD], {"ada": notebook}), ledger).tick(later(1))
    assert minutes(ledger) == {"small": 1}


def test_a_size_that_is_gone_or_has_no_price_costs_nothing(ledger: Ledger) -> None:
    PodHours(ViewDouble([replace(POD, instance_type="gone")]), ledger).tick(later(1))
    assert ledger.times(START.date())[0].price_per_hour == 0


def test_a_new_day_forgets_the_oldest(ledger: Ledger) -> None:
    hours = PodHours(ViewDouble([POD]), ledger)
    hours.tick(later(1))
    hours.tick(START + timedelta(days=KEPT_DAYS + 2))
    assert ledger.times(START.date(), START.date()) == []


async def test_a_change_is_looked_at_without_waiting_for_the_minute(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carrel_warehouse.ledger.pods._PAUSE_SECONDS", 0)
    started = datetime.now(UTC) - timedelta(minutes=1)
    view = ViewDouble([])
    task = asyncio.create_task(PodHours(view, ledger).run())
    await asyncio.sleep(0.01)
    view.known = [replace(POD, started=started.isoformat())]
    assert view.changed
    view.changed.set()
    await asyncio.sleep(0.01)
    assert sum(each.seconds for each in ledger.times(started.date())) >= 60
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
