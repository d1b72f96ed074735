"""A start waits until queries work, not for ever, and what was amiss is told and taken back."""

import threading
import time
from collections.abc import Iterable
from typing import Any

import pytest

from carrel_lab.doctor import speaker as speaking
from carrel_lab.doctor.findings import failed, ok, skipped
from carrel_lab.doctor.gate import Gate, Identity, begin, trouble
from carrel_lab.doctor.speaker import Speaker
from carrel_lab.guard.hub import Hub, HubError
from carrel_lab.guard.notices import Notices

MISSING = Identity(ready=False, message="No token.")
READY = Identity(ready=True)


def gate(looks: Iterable[str], patience: float) -> tuple[Gate, list[Identity], threading.Event]:
    """A gate that sees these one after the other, and the last for ever; what it tells, and when it is ready."""
    seen, told, ready = list(looks), list[Identity](), threading.Event()

    def hear(identity: Identity) -> None:
        told.append(identity)
        if identity.ready:
            ready.set()

    made = Gate(lambda: seen.pop(0) if len(seen) > 1 else seen[0], patience, between_looks=0.05)
    made.listen(hear)
    return made, told, ready


def waited(made: Gate) -> float:
    began = time.monotonic()
    made.wait()
    return time.monotonic() - began


def test_a_start_in_order_does_not_wait() -> None:
    made, told, ready = gate([""], 20)
    made.open()
    assert waited(made) < 1
    assert ready.wait(5)
    assert told == [READY]


def test_a_start_waits_for_an_identity_that_comes_late_and_nobody_hears_of_it() -> None:
    made, told, ready = gate(["No token.", "No token.", ""], 20)
    made.open()
    assert 0.25 < waited(made) < 5
    assert ready.wait(5)
    assert told == [READY]


def test_a_start_does_not_wait_for_ever_and_is_told_when_the_identity_comes() -> None:
    seen = threading.Event()
    told: list[Identity] = []
    made = Gate(lambda: "" if seen.is_set() else "No token.", 0.4, between_looks=0.05)
    made.listen(told.append)
    made.open()
    assert 0.3 < waited(made) < 2
    deadline = time.monotonic() + 5
    while not told and time.monotonic() < deadline:
        time.sleep(0.01)
    assert told == [MISSING]
    seen.set()
    while len(told) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert told == [MISSING, READY]


def test_a_look_that_hangs_holds_no_start_longer_than_the_patience() -> None:
    hang = threading.Event()
    made = Gate(lambda: str(hang.wait(30)) and "", 0.3)
    made.open()
    assert waited(made) < 2
    hang.set()


def test_who_comes_later_hears_how_it_stands() -> None:
    made, _, ready = gate([""], 20)
    made.open()
    assert ready.wait(5)
    late: list[Identity] = []
    made.listen(late.append)
    assert late == [READY]


def test_without_a_warehouse_there_is_no_gate() -> None:
    assert begin({"HOME": "/home/ada"}) is None


def test_the_sentence_is_about_the_first_link_that_is_broken() -> None:
    found = [
        ok("project", "Yes."),
        failed("token", "It is not there.", "carrel restart"),
        skipped("audience", "-"),
    ]
    assert trouble(found) == "Queries do not work yet (token): It is not there."
    assert trouble(found[:1]) == ""


class PlayedHub(Hub):
    def __init__(self, refusals: int = 0) -> None:
        self.reports: list[dict[str, Any]] = []
        self.heard = threading.Event()
        self._refusals = refusals

    def report(self, report: dict[str, Any]) -> None:
        if self._refusals:
            self._refusals -= 1
            raise HubError(429, "Too often.")
        self.reports.append(report)
        self.heard.set()


def test_an_identity_that_is_not_ready_is_told_to_the_hub_and_shown_until_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speaking, "_PAUSES", (0.0, 0.01, 0.01))
    hub, notices = PlayedHub(refusals=1), Notices()
    speaker = Speaker(hub, notices)
    speaker.tell(Identity(ready=False, message="No\ntoken."))
    assert hub.heard.wait(5)
    assert hub.reports == [{"identity": {"ready": False, "message": "No token."}}]
    [notice] = notices.listen(lambda _: None)
    assert (notice["kind"], notice["message"]) == ("identity", "No\ntoken.")
    hub.heard.clear()
    speaker.tell(READY)
    assert hub.heard.wait(5)
    assert hub.reports[1:] == [{"identity": {"ready": True}}]
    assert [each["message"] for each in notices.listen(lambda _: None)] == ["Queries work now."]


def test_of_a_start_in_order_the_person_hears_nothing() -> None:
    notices = Notices()
    Speaker(None, notices).tell(READY)
    assert notices.listen(lambda _: None) == []
