"""A project's repository: which addresses are taken, that it is cloned once, and how failures are told and tried again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel_operator.api import InvalidObjectError, NotebookImage, Project, Repository
from carrel_operator.desired.project_clone import Clone, clone
from carrel_operator.project_cloning import Cloning
from carrel_operator.project_seen import ProjectSeen
from carrel_operator.repository_verdict import repository_cloned
from unit.operator.test_projects import PLAIN, READY, body, claim

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
URL = "https://git.example.org/team/flights.git"
IMAGE = NotebookImage(name="data", display_name="Data", image="registry/notebook:1", default=True)


def world(url: str = URL, *, told: Cloning | None = None, pod: Any = None, **more: str) -> ProjectSeen:
    seen_claim: Any = claim()
    seen_claim["metadata"]["annotations"] |= {"carrel.dev/repository": told.text()} if told else {}
    project = Project.parse(body(repository={"url": url, **more}))
    return replace(READY, project=project, claim=seen_claim, cloner=pod)


def wanted(seen: ProjectSeen, *, now: datetime = NOW, image: NotebookImage | None = IMAGE) -> Clone:
    return clone(seen, image, PLAIN, now)


def ended(found: Clone, phase: str, message: str = "", at: datetime = NOW) -> dict[str, Any]:
    assert found.pod
    terminated = {"finishedAt": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "message": message}
    status = {"phase": phase, "containerStatuses": [{"state": {"terminated": terminated}}]}
    return found.pod | {"status": status}


def recorded(found: Clone) -> Cloning:
    told = Cloning.parse(found.marks["carrel.dev/repository"])
    assert told
    return told


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        (URL, "flights"),
        ("https://git.example.org/team/flights/", "flights"),
        ("http://host:8080/a b".replace(" ", "%20"), "a-20b"),
        ("https://host", "host"),
        ("https://host/.git", "repository"),
        ("https://host/..", "repository"),
        ("https://host/" + "x" * 300, "x" * 100),
    ],
)
def test_a_repository_has_a_folder(url: str, folder: str) -> None:
    assert Repository.parse({"url": url}).folder == folder


@given(st.from_regex(r"https://h/[^\s?#@\\]*", fullmatch=True))
def test_no_address_names_a_folder_outside(url: str) -> None:
    folder = Repository.parse({"url": url}).folder
    assert folder not in {"", ".", ".."}
    assert "/" not in folder
    assert not folder.startswith(".")


@pytest.mark.parametrize(
    "repository",
    [
        {},
        {"url": ""},
        {"url": "git@host:team/x.git"},
        {"url": "https://ada:secret@host/x"},
        {"url": "file:///etc"},
        {"url": "ssh://host/x"},
        {"url": "ext::sh -c whoami"},
        {"url": "--upload-pack=x"},
        {"url": "https://host/x y"},
        {"url": "https://host/x?token=1"},
        {"url": URL, "branch": "--upload-pack=x"},
        {"url": URL, "branch": "a..b"},
        {"url": URL, "branch": "a b"},
    ],
)
def test_what_is_no_address_is_refused_by_the_operator_too(repository: dict[str, str]) -> None:
    with pytest.raises(InvalidObjectError, match=r"spec\.repository"):
        Project.parse(body(repository=repository))


def test_it_is_cloned_by_a_pod_of_the_project_with_git_and_no_rights() -> None:
    found = wanted(world(branch="main"))
    assert found.pod
    spec = found.pod["spec"]
    assert found.pod["metadata"]["name"] == "clone-sales"
    assert spec["securityContext"]["runAsUser"] == spec["securityContext"]["runAsGroup"] == 20_005
    assert spec["automountServiceAccountToken"] is False
    assert spec["restartPolicy"] == "Never"
    (container,) = spec["containers"]
    assert container["image"] == "registry/notebook:1"
    words = {each["name"]: each["value"] for each in container["env"]}
    assert (words["URL"], words["BRANCH"], words["FOLDER"]) == (URL, "main", "flights")
    assert URL not in str(container["command"]), "what somebody wrote is never part of a script"


@pytest.mark.parametrize(
    "seen",
    [
        READY,
        replace(world(), number=None),
        replace(world(), claim=claim(prepared="")),
        replace(world(), claim=claim(uid="uid-0")),
    ],
    ids=["no repository", "no number", "not prepared", "of a former project"],
)
def test_before_the_files_are_ready_nothing_is_cloned(seen: ProjectSeen) -> None:
    assert wanted(seen).pod is None


def test_without_an_image_it_waits() -> None:
    assert wanted(world(), image=None) == Clone({})


def test_once_done_it_is_never_done_again() -> None:
    first = wanted(world())
    written = wanted(world(pod=ended(first, "Succeeded")))
    assert not written.pod_goes, "first what came of it is written down"
    told = recorded(written)
    assert told.done
    assert wanted(world(told=told, pod=ended(first, "Succeeded"))).pod_goes
    assert wanted(world(told=told), now=NOW + timedelta(days=400)) == Clone(written.marks)
    condition = repository_cloned(world(told=told))
    assert condition is not None
    assert condition.status
    assert condition.message == f"{URL} was cloned into ~/projects/sales/flights."


def test_another_address_is_another_repository() -> None:
    told = Cloning(Repository(URL), "2026-11-27T12:00:00Z")
    found = wanted(world("https://git.example.org/other", told=told))
    assert found.pod


def test_a_failure_is_told_and_tried_again_at_longer_intervals() -> None:
    told, waits = None, []
    for _ in range(7):
        now = NOW if told is None else (told.next_try() or NOW)
        pod = ended(
            wanted(world(told=told), now=now), "Failed", "remote: Gone\nfatal: repository not found\n", now
        )
        told = recorded(wanted(world(told=told, pod=pod), now=now))
        later = wanted(world(told=told), now=now)
        assert later.pod is None
        waits.append(later.try_again_in)
    assert waits == [60, 300, 900, 3600, 21600, 21600, 21600]
    assert told is not None
    condition = repository_cloned(world(told=replace(told, at="2026-11-27T12:00:00Z", failures=1)))
    assert condition is not None
    assert not condition.status
    assert condition.message == (
        f"{URL} could not be cloned: repository not found. It is tried again at 12:01 UTC. "
        "If the address is wrong: kubectl edit project sales -n carrel."
    )


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"url": 1}', '{"url": "https://h/x", "failures": "x"}']
)
def test_a_mark_that_somebody_spoilt_is_no_mark(text: str) -> None:
    assert Cloning.parse(text) is None
    pod = {"metadata": {"annotations": {"carrel.dev/repository": text}}, "status": {"phase": "Succeeded"}}
    assert Cloning.outcome(pod) is None
