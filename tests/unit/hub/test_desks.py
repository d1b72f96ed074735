"""What a page says of a server, by what its Notebook and the catalogue say."""

from dataclasses import replace
from typing import Any

import pytest

from carrel_hub import desks
from carrel_hub.desks import Server
from carrel_operator.api import InstanceType, Notebook, NotebookImage, Phase
from carrel_operator.catalogue import Catalogue
from unit.hub.kubernetes_api import image, size

GIB = 1024**3
CATALOGUE = Catalogue(
    {
        each.name: each
        for each in (
            InstanceType.parse(size("small", displayName="Small", pricePerHour=0.05, order=1)),
            InstanceType.parse(size("large", displayName="Large", pricePerHour=0.2, order=2)),
            InstanceType.parse(size("free", order=3)),
            InstanceType.parse(
                size("gpu", pricePerHour=2.5, order=4, gpu={"resource": "nvidia.com/gpu", "count": 1})
            ),
            InstanceType.parse(size("theirs", displayName="Theirs", allowedGroups=["others"])),
        )
    },
    {"standard": NotebookImage.parse(image("standard", displayName="Data science"))},
)
ADA = Server("ada", title="Your desk", url="/user/ada")
HOME = {"name": "home", "claim": "home-ada", "phase": "Bound", "size": "10Gi"}


def notebook(
    phase: str = "Running", message: str = "The server is running.", generation: int = 2, **more: Any
) -> Notebook:
    spec = {"owner": "ada", "instanceType": "small", "image": "standard", "session": "s1", "running": True}
    ready = {
        "type": "Ready",
        "status": "True" if phase == "Running" else "False",
        "reason": "Running" if phase == "Running" else "Stopped",
        "message": message,
        "lastTransitionTime": "2026-11-27T21:05:00Z",
    }
    status = {
        "phase": phase,
        "message": message,
        "observedGeneration": 2,
        "conditions": [ready, *more.pop("conditions", ())],
        "instanceType": "small",
        **more.pop("status", {}),
    }
    metadata = {"name": "ada", "namespace": "carrel", "uid": "u", "generation": generation}
    return Notebook.parse({"metadata": metadata, "spec": spec | more, "status": status})


NOTHING_STOPS = {
    "will_stop_at": None,
    "idle_since": None,
    "idle_timeout": None,
    "keep_until": None,
    "keep_at_most": 0,
}


def view(of: Notebook | None, server: Server = ADA, **stop: Any) -> dict[str, Any]:
    return desks.view(server, of, CATALOGUE, "$", NOTHING_STOPS | stop)


@pytest.mark.parametrize(
    ("of", "phase"),
    [
        pytest.param(None, Phase.STOPPED, id="never started"),
        pytest.param(notebook(), Phase.RUNNING, id="as the operator says"),
        pytest.param(notebook("Failed"), Phase.FAILED, id="failed"),
        pytest.param(notebook("Stopped", generation=3), Phase.STARTING, id="start just asked"),
        pytest.param(notebook("Failed", generation=3), Phase.STARTING, id="start asked after a failure"),
        pytest.param(notebook("Pending", generation=3), Phase.PENDING, id="changed while it waits"),
        pytest.param(notebook("Running", generation=3), Phase.RUNNING, id="resize just asked"),
        pytest.param(notebook("Running", generation=3, running=False), Phase.STOPPING, id="stop just asked"),
        pytest.param(notebook("Stopped", generation=3, running=False), Phase.STOPPED, id="stopped already"),
    ],
)
def test_the_state_is_the_operators_word_or_what_was_just_asked(of: Notebook | None, phase: Phase) -> None:
    assert desks.phase_of(of) is phase
    assert view(of)["state"] == str(phase)


ALL = {"start", "open", "cancel", "stop", "restart", "delete", "resize"}


@pytest.mark.parametrize(
    ("of", "server", "possible"),
    [
        pytest.param(None, ADA, {"start", "resize"}, id="nothing yet"),
        pytest.param(notebook(), ADA, {"open", "stop", "restart", "resize"}, id="running"),
        pytest.param(notebook("Pending"), ADA, {"cancel", "resize"}, id="waiting"),
        pytest.param(notebook("Stopping", running=False), ADA, {"resize"}, id="stopping"),
        pytest.param(notebook("Failed"), ADA, {"start", "resize"}, id="failed"),
        pytest.param(
            notebook("Stopped", running=False, server="lab"),
            Server("ada", "lab"),
            {"start", "delete", "resize"},
            id="a named one can be deleted",
        ),
        pytest.param(notebook(), replace(ADA, known=False), set(), id="made without the hub"),
    ],
)
def test_what_can_be_done_is_what_makes_sense_now(
    of: Notebook | None, server: Server, possible: set[str]
) -> None:
    row = view(of, server)
    assert {deed for deed in ALL if row[f"can_{deed}"]} == possible


def test_who_may_use_no_size_is_told_whom_to_ask() -> None:
    row = desks.view(ADA, None, Catalogue(), "$", NOTHING_STOPS)
    assert row["can_start"] is False
    assert "Ask an administrator" in row["message"]


@pytest.mark.parametrize(
    ("of", "said", "message"),
    [
        pytest.param(notebook(), "", "", id="running is said by the state"),
        pytest.param(notebook("Pending", "No room."), "", "No room.", id="why it waits"),
        pytest.param(notebook("Running", "You left 'x'."), "", "You left 'x'.", id="why it was restarted"),
        pytest.param(notebook("Stopped", generation=3), "", "Asked for; a moment.", id="just asked"),
        pytest.param(
            notebook("Stopped", "The server is stopped.", running=False), "", "", id="stopped as well"
        ),
        pytest.param(
            notebook("Stopped", "The server is stopped.", running=False),
            "No node has room.",
            "No node has room.",
            id="why the last start failed",
        ),
        pytest.param(notebook(), "Old news.", "", id="what was said before this start"),
        pytest.param(None, "There is no size 'x'.", "There is no size 'x'.", id="refused at once"),
    ],
)
def test_the_sentence_says_why(of: Notebook | None, said: str, message: str) -> None:
    assert view(of, replace(ADA, said=said))["message"] == message


@pytest.mark.parametrize(
    ("of", "price", "text"),
    [
        pytest.param(None, 0, "", id="nothing"),
        pytest.param(notebook(), 0.05, "$0.05 per hour", id="running"),
        pytest.param(notebook("Pending"), 0, "", id="waiting for a place"),
        pytest.param(
            notebook("Starting", status={"node": "n"}), 0.05, "$0.05 per hour", id="starting in its place"
        ),
        pytest.param(notebook("Stopped", running=False), 0, "", id="stopped"),
        pytest.param(notebook(instanceType="large"), 0.05, "$0.05 per hour", id="the size in force"),
        pytest.param(
            notebook(status={"instanceType": "large"}), 0.2, "$0.20 per hour", id="the size that it has"
        ),
        pytest.param(notebook(status={"instanceType": "free"}), 0, "", id="a size without a price"),
        pytest.param(notebook(status={"instanceType": "gone"}), 0, "", id="a size that is gone"),
    ],
)
def test_the_price_is_that_of_the_size_in_force(of: Notebook | None, price: float, text: str) -> None:
    row = view(of)
    assert (row["price"], row["price_text"]) == (price, text)


def test_sizes_say_figures_price_and_whether_a_restart_is_needed() -> None:
    texts = {each["name"]: each["text"] for each in view(notebook())["sizes"]}
    assert texts == {
        "small": "Small · 1 CPU · 2 GiB · $0.05/h",
        "large": "Large · 1 CPU · 2 GiB · $0.20/h",
        "free": "free · 1 CPU · 2 GiB",
        "gpu": "gpu · 1 CPU · 2 GiB · $2.50/h · after a restart",
    }
    stopped = {each["name"]: each["text"] for each in view(None)["sizes"]}
    assert stopped["gpu"] == "gpu · 1 CPU · 2 GiB · $2.50/h"


@pytest.mark.parametrize(("name", "text"), [("theirs", "Theirs (not for you any more)"), ("x", "x (gone)")])
def test_the_size_that_a_server_has_is_shown_even_if_it_can_not_be_chosen(name: str, text: str) -> None:
    row = view(notebook(instanceType=name))
    assert row["size"] == name
    assert row["sizes"][0] == {"name": name, "text": text}


@pytest.mark.parametrize(
    ("memory", "shown"),
    [
        pytest.param({}, None, id="no limit yet"),
        pytest.param({"limit": "2Gi"}, (0, "of 2 GiB"), id="nothing reported"),
        pytest.param(
            {"limit": "2Gi", "peak": str(17 * GIB // 10), "session": "s1"}, (84, "1.7 of 2 GiB"), id="peak"
        ),
        pytest.param(
            {"limit": "2Gi", "peak": str(GIB // 2), "session": "s1"}, (25, "512 MiB of 2 GiB"), id="units"
        ),
        pytest.param({"limit": "2Gi", "peak": str(GIB), "session": "s0"}, (0, "of 2 GiB"), id="old session"),
        pytest.param({"limit": "2Gi", "peak": str(3 * GIB), "session": "s1"}, (100, "3 of 2 GiB"), id="more"),
        pytest.param({"limit": "2Gi", "peak": "a lot", "session": "s1"}, (0, "of 2 GiB"), id="nonsense"),
    ],
)
def test_memory_is_the_highest_use_of_this_session(
    memory: dict[str, str], shown: tuple[int, str] | None
) -> None:
    found = view(notebook(status={"memory": memory}))["memory"]
    assert found == shown or (found["percent"], found["text"]) == shown
    assert view(notebook("Stopped", running=False, status={"memory": memory}))["memory"] is None


@pytest.mark.parametrize(
    ("volume", "shown"),
    [
        pytest.param([], None, id="no home yet"),
        pytest.param([HOME], (0, "10 GiB"), id="nothing reported"),
        pytest.param(
            [{**HOME, "used": str(3 * GIB), "fileSystem": str(98 * GIB // 10)}],
            (30, "3 of 10 GiB"),
            id="used",
        ),
        pytest.param(
            [{**HOME, "used": str(100 * GIB), "fileSystem": str(400 * GIB)}],
            (25, "shared disk, 25 % full"),
            id="a disk that is shared says nothing of this home",
        ),
        pytest.param(
            [{**HOME, "used": str(12 * GIB), "fileSystem": str(10 * GIB)}], (100, "12 of 10 GiB"), id="over"
        ),
    ],
)
def test_a_home_says_how_full_it_is(volume: list[dict[str, str]], shown: tuple[int, str] | None) -> None:
    found = view(notebook(status={"volumes": volume}))["disk"]
    assert found == shown or (found["percent"], found["text"]) == shown


KILL = {"at": "2026-11-27T21:30:00Z", "action": "KernelKilled", "message": "Too much."}


@pytest.mark.parametrize(
    ("status", "notices", "restart"),
    [
        pytest.param({}, [], False, id="nothing"),
        pytest.param(
            {"resize": {"state": "Applied", "reason": "Applied", "message": "x"}}, [], False, id="done"
        ),
        pytest.param(
            {"resize": {"state": "Infeasible", "reason": "NodeTooSmall", "message": "Never."}},
            ["Never."],
            True,
            id="only a restart helps",
        ),
        pytest.param(
            {"resize": {"state": "Refused", "reason": "MemoryInUse", "message": "In use."}},
            ["In use."],
            False,
            id="refused",
        ),
        pytest.param({"memory": {"lastKill": KILL}}, ["Too much."], False, id="killed"),
        pytest.param(
            {"memory": {"lastKill": {**KILL, "at": "2026-11-27T20:00:00Z"}}}, [], False, id="killed before"
        ),
    ],
)
def test_notices_are_about_the_session_that_runs(
    status: dict[str, Any], notices: list[str], restart: bool
) -> None:
    row = view(notebook(status=status))
    assert (row["notices"], row["needs_restart"]) == (notices, restart)
    assert view(notebook("Stopped", running=False, status=status))["notices"] == []


def test_a_membership_that_ended_is_told() -> None:
    gone = {"type": "MembershipValid", "status": "False", "reason": "NotAMember", "message": "You left."}
    assert view(notebook(conditions=[gone]))["notices"] == ["You left."]


def test_the_image_is_that_of_the_server_or_of_the_next_start() -> None:
    assert view(notebook())["image"] == {"name": "standard", "title": "Data science"}
    assert view(notebook(image="gone"))["image"] == {"name": "gone", "title": "gone"}
    assert view(None)["image"] == {"name": "standard", "title": "Data science"}


AT, LATER = "2026-11-27T22:05:00Z", "2026-11-28T02:05:00Z"


@pytest.mark.parametrize(
    ("stop", "text", "at"),
    [
        pytest.param({}, "", "", id="never stops by itself"),
        pytest.param({"idle_timeout": 3600.0}, "Stops 1 hour after the last work", "", id="at work"),
        pytest.param({"idle_timeout": 3600.0, "will_stop_at": AT}, "Stops at", AT, id="idle"),
        pytest.param(
            {"idle_timeout": 3600.0, "will_stop_at": LATER, "keep_until": LATER},
            "Kept until",
            LATER,
            id="kept",
        ),
        pytest.param(
            {"idle_timeout": 3600.0, "will_stop_at": LATER, "keep_until": AT},
            "Stops at",
            LATER,
            id="kept for less than it stays anyway",
        ),
    ],
)
def test_a_server_that_runs_says_when_it_stops(stop: dict[str, Any], text: str, at: str) -> None:
    row = view(notebook(), **stop)
    assert (row["stops_text"], row["stops_at"]) == (text, at)
    assert view(notebook("Stopped", running=False), **stop)["stops_text"] == ""


@pytest.mark.parametrize(
    ("at_most", "kept", "choices"),
    [
        pytest.param(0, None, [], id="not at all"),
        pytest.param(4 * 3600, None, ["", "1h", "4h"], id="up to the cap"),
        pytest.param(86_400, LATER, ["", "1h", "4h", "8h", "24h", "usual"], id="and no longer"),
        pytest.param(600, None, [], id="a cap below any choice"),
    ],
)
def test_it_can_be_kept_for_as_long_as_is_allowed(at_most: int, kept: str | None, choices: list[str]) -> None:
    row = view(notebook(), keep_at_most=at_most, keep_until=kept)
    assert [each["name"] for each in row["keep"]] == choices
    assert view(notebook(), replace(ADA, known=False), keep_at_most=at_most)["keep"] == []
