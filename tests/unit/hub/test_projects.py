"""What members see of their projects, and whom JupyterHub's roles let into a project's server."""

import pytest
from jupyterhub import scopes

from carrel_hub import projects
from carrel_hub.projects import may_open, role_of, teams_of
from carrel_operator.api import Project, Role


def project(name: str, *members: tuple[str, str, str], **status: object) -> Project:
    entries = [{kind: who, "role": role} for kind, who, role in members]
    spec = {"members": entries, "displayName": name.title()}
    return Project.parse({"metadata": {"name": name}, "spec": spec, "status": status})


READY = {"type": "Ready", "status": "True", "reason": "Ready", "message": "It is ready."}
SALES = project(
    "sales",
    ("user", "ada", "editor"),
    ("group", "analysts", "viewer"),
    ("group", "leads", "admin"),
    message="It is ready.",
    conditions=[READY],
    volume={"size": "50Gi"},
)
HR = project("hr", ("user", "sales", "viewer"))


def test_a_person_sees_their_projects_and_what_they_may_do_there() -> None:
    [found] = teams_of([SALES, HR], "ada", [])
    assert (found.name, found.display_name, found.role, found.may_open, found.why_not) == (
        "sales",
        "Sales",
        Role.EDITOR,
        True,
        "",
    )
    assert (found.members, found.size, found.ready, found.message) == (3, "50Gi", True, "It is ready.")
    assert (found.open_path, found.start_path) == ("user/project%3Asales/", "hub/spawn/project%3Asales")


def test_a_viewer_is_told_where_to_read_instead() -> None:
    [found] = teams_of([SALES, HR], "alan", ["analysts"])
    assert not found.may_open
    assert "~/projects" in found.why_not


def test_who_is_in_no_group_and_no_project_sees_none_and_a_project_is_no_user() -> None:
    assert teams_of([SALES, HR], "nobody", []) == ()
    assert [team.name for team in teams_of([SALES, HR], "sales", [])] == ["hr"]


@pytest.mark.parametrize(
    ("person", "groups", "may"),
    [
        ("ada", [], True),
        ("ada", ["analysts"], True),
        ("alan", ["analysts"], False),
        ("alan", ["analysts", "leads"], True),
        ("alan", [], False),
        ("project:sales", [], False),
    ],
)
def test_who_may_write_may_open(person: str, groups: list[str], may: bool) -> None:
    assert may_open(SALES, person, groups) is may


def test_the_role_names_those_whom_the_hub_knows_and_the_one_server() -> None:
    found = role_of(SALES, {"ada", "alan"}, {"analysts", "leads", "others"})
    assert (found["name"], found["users"], found["groups"]) == ("carrel-project-sales", ["ada"], ["leads"])
    assert role_of(SALES, set(), set())["users"] == []
    expanded = scopes.expand_scopes(found["scopes"])
    assert expanded
    assert all(scope.endswith("!user=project:sales") for scope in expanded)


def test_two_hundred_members_are_one_role() -> None:
    many = [f"p{number}" for number in range(200)]
    team = project("large", *(("user", name, "editor") for name in many))
    assert len(role_of(team, many, [])["users"]) == 200
    assert projects.teams_of([team], "p7", [])[0].members == 200
