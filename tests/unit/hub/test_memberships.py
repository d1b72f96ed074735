"""What the home page says of a project, by who looks."""

from typing import Any

import pytest

from carrel_hub import memberships
from carrel_hub.desks import Server
from carrel_hub.desks import view as desk
from carrel_hub.memberships import Surroundings, Viewer
from carrel_operator import names
from carrel_operator.api import Notebook, Project
from unit.hub.test_desks import CATALOGUE, GIB, NOTHING_STOPS, notebook

READY = {"type": "Ready", "status": "True", "reason": "Ready", "message": "Ready."}
MEMBERS = [
    {"user": "vera", "role": "viewer"},
    {"group": "analysts", "role": "editor"},
    {"user": "ada", "role": "admin"},
]


def project(name: str = "forecast", members: Any = MEMBERS, **status: Any) -> Project:
    volume = {"claim": f"project-{name}", "phase": "Bound", "size": "100Gi"}
    spec = {"displayName": "Forecast", "members": members}
    status = {"volume": volume, "conditions": [READY]} | status
    return Project.parse({"metadata": {"name": name, "namespace": "carrel"}, "spec": spec, "status": status})


def view(
    of: Project, viewer: Viewer, everybodys: tuple[Notebook, ...] = (), own: Notebook | None = None
) -> dict[str, Any]:
    row = desk(Server(names.team(of.name)), own, CATALOGUE, "$", NOTHING_STOPS)
    return memberships.view(of, viewer, row, Surroundings(everybodys, CATALOGUE, "$"))


@pytest.mark.parametrize(
    ("viewer", "role"),
    [(Viewer("vera"), "viewer"), (Viewer("eve", ("analysts",)), "editor"), (Viewer("ada"), "admin")],
)
def test_a_member_sees_their_role(viewer: Viewer, role: str) -> None:
    row = view(project(), viewer)
    assert row["role"] == role
    assert row["may_work"] is (role != "viewer")
    assert bool(row["why_not"]) is (role == "viewer")


def test_the_projects_are_those_of_the_person_by_name() -> None:
    found = memberships.mine([project("b"), project("a"), project("c", members=[])], Viewer("ada"))
    assert [each.name for each in found] == ["a", "b"]
    assert memberships.mine([project()], Viewer("alan")) == ()


def test_a_viewer_can_do_nothing_to_the_projects_desk() -> None:
    row = view(project(), Viewer("vera"), own=notebook())
    assert not [deed for deed, can in row.items() if deed.startswith("can_") and can]
    assert row["state"] == "Running"
    assert view(project(), Viewer("ada"), own=notebook())["can_open"]


def test_members_are_listed_with_those_first_who_may_most_and_counted() -> None:
    row = view(project(), Viewer("ada"))
    assert row["members"] == ["ada, admin", "group analysts, editor", "vera, viewer"]
    assert row["members_text"] == "2 people and 1 group"
    many = [{"user": f"u{index}", "role": "viewer"} for index in range(199)] + [
        {"user": "ada", "role": "admin"}
    ]
    assert view(project(members=many), Viewer("ada"))["members_text"] == "200 people"
    one = [{"user": "ada", "role": "viewer"}]
    assert view(project(members=one), Viewer("ada"))["members_text"] == "1 person"


def mounting(*projects: tuple[str, bool], phase: str = "Running") -> Notebook:
    return notebook(phase, status={"projects": [{"name": name, "writable": can} for name, can in projects]})


@pytest.mark.parametrize(
    ("own", "text"),
    [
        pytest.param((), "in every desk that you start", id="none runs"),
        pytest.param((mounting(phase="Stopped"),), "in every desk that you start", id="stopped"),
        pytest.param((mounting(("forecast", True)),), "in your desk", id="there"),
        pytest.param((mounting(("forecast", True)),) * 2, "in each of your desks", id="there twice"),
        pytest.param((mounting(("other", True)),), "there at the next start of Desk 0", id="not yet"),
        pytest.param(
            (mounting(("forecast", False)),), "there at the next start of Desk 0", id="only to read"
        ),
        pytest.param(
            (mounting(("forecast", True)), mounting()),
            "there at the next start of Desk 1",
            id="in one of two",
        ),
    ],
)
def test_it_says_where_the_files_are(own: tuple[Notebook, ...], text: str) -> None:
    desks = [(f"Desk {index}", each) for index, each in enumerate(own)]
    row = view(project(), Viewer("ada", desks=desks))
    assert (row["folder"], row["folder_text"]) == ("~/projects/forecast", text)


def test_a_viewer_needs_no_more_than_reading() -> None:
    row = view(project(), Viewer("vera", desks=[("Desk", mounting(("forecast", False)))]))
    assert row["folder_text"] == "in your desk"


def test_space_is_what_a_server_that_runs_says() -> None:
    def told(used: int, running: bool) -> Notebook:
        volume = {"name": "forecast", "used": str(used * GIB), "fileSystem": str(100 * GIB)}
        return notebook(
            "Running" if running else "Stopped", running=running, status={"projectVolumes": [volume]}
        )

    assert view(project(), Viewer("ada"))["space"]["text"] == "100 GiB"
    found = view(project(), Viewer("ada"), (told(87, running=True), told(20, running=False)))["space"]
    assert (found["text"], found["percent"]) == ("87 of 100 GiB", 87)
    assert view(project(volume={}), Viewer("ada"))["space"] is None


def test_the_price_is_that_of_what_runs_for_it() -> None:
    own = notebook(owner="project:forecast")
    row = view(project(), Viewer("ada"), (own, notebook(owner="ada"), notebook(owner="project:other")))
    assert row["cost_text"] == "$0.05 per hour"
    assert view(project(), Viewer("ada"))["cost_text"] == "Nothing runs for it."


def test_what_is_wrong_is_said_in_the_operators_words() -> None:
    waits = {"type": "Ready", "status": "False", "reason": "VolumePending", "message": "It waits."}
    assert view(project(conditions=[waits]), Viewer("ada"))["complaints"] == ["It waits."]
    assert view(project(conditions=[]), Viewer("ada"))["complaints"] == ["The project is being made."]
    assert view(project(), Viewer("ada"))["complaints"] == []
