"""Teams on a real cluster: one volume, people's own names on their files, and nothing left of who has gone."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from carrel_operator import names
from support.cluster import Kubectl, Person, eventually, unique
from support.kernels import Kernel
from support.teams import Team, shell

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]


def at_desk(somebody: Person) -> Kernel:
    somebody.start()
    return Kernel.start(somebody, "desk.ipynb")


def condition(somebody: Person) -> dict[str, Any]:
    notebook = somebody.notebook()
    conditions = (notebook or {}).get("status", {}).get("conditions", ())
    return next((each for each in conditions if each["type"] == "MembershipValid"), {})


def test_two_people_work_on_the_same_files_under_their_own_names(person: NewPerson, team: Team) -> None:
    ada, alan = person(), person()
    team.ready((ada, "editor"), (alan, "admin"))
    desk, other = at_desk(ada), at_desk(alan)
    document = {"type": "notebook", "format": "json", "content": NOTEBOOK}
    assert ada.web(f"api/contents/projects/{team.name}/made.ipynb", "PUT", json=document).status_code == 201
    shell(desk, f"cd {team.folder} && git init -q repo && cd repo && echo 1 > tracked && git add -A")
    shell(
        desk,
        f"cd {team.folder} && python -c \"import pandas; pandas.DataFrame({{'a': [1]}}).to_csv('a.csv')\"",
    )
    shell(desk, f"cd {team.folder} && mkdir deep && touch deep/file")

    listing = shell(
        other, f"cd {team.folder} && stat -c '%U %G %a %n' made.ipynb a.csv deep deep/file repo/tracked"
    )
    assert listing.splitlines() == [
        f"{names.slug(ada.name)} {team.name} {mode} {name}"
        for mode, name in (
            ("664", "made.ipynb"),
            ("664", "a.csv"),
            ("2775", "deep"),
            ("664", "deep/file"),
            ("664", "repo/tracked"),
        )
    ]
    edited = document | {"content": NOTEBOOK | {"metadata": {"edited": True}}}
    assert alan.web(f"api/contents/projects/{team.name}/made.ipynb", "PUT", json=edited).status_code == 200
    assert "edited" in shell(desk, f"cat {team.folder}/made.ipynb")
    commit = "git -c user.name=a -c user.email=a@b commit -qm first && git log --oneline | wc -l"
    assert shell(other, f"cd {team.folder}/repo && {commit}") == "1"
    assert shell(desk, f"cd {team.folder}/repo && echo 2 > tracked && {commit.replace('-qm', '-qam')}") == "2"
    shell(other, f"cd {team.folder} && mv a.csv b.csv && rm -r deep")
    assert shell(desk, f"cd {team.folder} && ls") == "b.csv\nmade.ipynb\nrepo"
    assert (
        shell(desk, f"cd {team.folder} && git clone -q repo copy 2>&1 && rm -rf copy; ls")
        == "b.csv\nmade.ipynb\nrepo"
    )


def test_a_viewer_reads_and_never_writes_not_even_their_own_files(person: NewPerson, team: Team) -> None:
    ada, alan = person(), person()
    team.ready((ada, "editor"), (alan, "viewer"))
    desk, other = at_desk(ada), at_desk(alan)
    shell(desk, f"echo secret > {team.folder}/file")
    assert shell(other, f"cat {team.folder}/file") == "secret"
    assert shell(other, f"touch {team.folder}/mine || echo refused") == "refused"
    team.ready((ada, "viewer"), (alan, "viewer"))
    eventually("a server that may only read", lambda: reads_only(ada, team), 60)
    again = Kernel.start(ada, "again.ipynb")
    assert (
        shell(again, f"echo mine > {team.folder}/file || echo refused; cat {team.folder}/file")
        == "refused\nsecret"
    )


def reads_only(somebody: Person, team: Team) -> bool:
    notebook = somebody.notebook()
    projects = (notebook or {}).get("status", {}).get("projects")
    return projects == [{"name": team.name, "writable": False}] and somebody.is_ready() and somebody.answers()


def test_who_is_removed_loses_the_files_at_once_and_reads_why(person: NewPerson, team: Team) -> None:
    ada, alan = person(), person()
    team.ready((ada, "editor"), (alan, "editor"))
    ada.start()
    alan.start()
    uid, others = ada.pod_uid(), alan.pod_uid()
    team.apply((alan, "editor"))
    sentence = f"The server was restarted, because you are no longer a member of project '{team.name}'. Files are kept."
    eventually("the person reads why", lambda: ada.notebook()["status"].get("message") == sentence, 60)
    assert ada.pod_uid() != uid
    assert alan.pod_uid() == others, "nobody else is disturbed"
    eventually("the server answers again", ada.answers, 60)
    assert shell(Kernel.start(ada, "after.ipynb"), "ls /projects; ls -d ~/projects; id -Gn") == "carrel"
    team.apply((ada, "editor"), (alan, "editor"))
    eventually(
        "the person reads that it comes back",
        lambda: condition(ada).get("message", "").endswith(f"At the next start: {team.name}."),
        30,
    )


def test_a_volume_is_kept_and_never_handed_to_a_project_of_the_same_name(
    person: NewPerson, team: Team
) -> None:
    ada, alan = person(), person()
    team.ready((ada, "editor"))
    number = team.status()["gid"]
    shell(at_desk(ada), f"echo old > {team.folder}/file")
    team.delete()
    eventually("the mount is gone", lambda: (ada.notebook() or {})["status"].get("projects") is None, 60)
    assert team.claim()["status"]["phase"] == "Bound", "files outlive their Project"

    team.apply((alan, "editor"))
    former = "holds the files of a former project of that name"
    eventually("it says so", lambda: former in team.status().get("message", ""), 30)
    assert team.status()["gid"] != number
    desk = at_desk(alan)
    assert shell(desk, "ls /projects") == ""
    alan.stop()

    uid = (team.kube.get("project", team.name) or {})["metadata"]["uid"]
    command = (
        f"annotate pvc {names.project_volume(team.name)} -n carrel --overwrite carrel.dev/project-uid={uid}"
    )
    assert f"kubectl {command}" in team.status()["message"]
    team.kube(*command.split())
    team.kube("wait", f"project/{team.name}", "--for=condition=Ready", "--timeout=60s")
    assert team.status()["gid"] == number
    assert shell(at_desk(alan), f"cat {team.folder}/file") == "old"


def test_a_volume_deleted_by_hand_goes_with_its_last_server_and_that_is_said(
    person: NewPerson, team: Team
) -> None:
    ada = person()
    team.ready((ada, "editor"))
    desk = at_desk(ada)
    shell(desk, f"echo old > {team.folder}/file")
    volume, gone = names.project_volume(team.name), team.claim()["metadata"]["uid"]
    team.kube("delete", "pvc", volume, "--wait=false")
    eventually("it says so", lambda: "was deleted by hand and goes when" in team.status()["message"], 30)
    assert shell(desk, f"cat {team.folder}/file") == "old", "who works there can copy it out"
    ada.stop()
    another = lambda: (found := team.kube.get("pvc", volume)) and found["metadata"]["uid"] != gone  # noqa: E731
    eventually("another one is there", another, 60)
    team.kube("wait", f"project/{team.name}", "--for=condition=Ready", "--timeout=60s")
    assert shell(at_desk(ada), f"ls {team.folder}") == ""


@pytest.fixture
def address_of_git(kube: Kubectl) -> Iterator[str]:
    """A web server of the cluster with one repository, that needs nothing but what a clone needs: its files."""
    name, images = unique("git"), kube.items("notebookimages")
    image = next(each["spec"]["image"] for each in images if each["spec"].get("default"))
    container = {
        "name": "git",
        "image": image,
        "command": ["sh", "-c", REPOSITORY],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"securityContext": security, "automountServiceAccountToken": False, "containers": [container]}
    kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    kube("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=60s")
    yield f"http://{(kube.get('pod', name) or {})['status']['podIP']}:8080"
    kube("delete", "pod", name, "--grace-period=0", "--force")


REPOSITORY = """
cd /tmp && git init -q -b main work && cd work && echo 1 > README && git add -A
git -c user.name=a -c user.email=a@b commit -qm first && git clone -q --bare . ../flights.git
cd .. && git -C flights.git update-server-info && exec python3 -m http.server 8080
"""


def test_a_repository_is_cloned_once_for_the_whole_team(
    person: NewPerson, team: Team, address_of_git: str
) -> None:
    ada, alan = person(), person()
    members = (ada, "editor"), (alan, "editor")
    team.apply(*members, repository={"url": f"{address_of_git}/fligths.git"})
    eventually("a failure is told", lambda: "could not be cloned" in cloned(team)["message"], 60)
    assert "not found" in cloned(team)["message"]
    assert "It is tried again at" in cloned(team)["message"]

    repository = {"url": f"{address_of_git}/flights.git", "branch": "main"}
    team.apply(*members, repository=repository)
    eventually("it was cloned", lambda: cloned(team)["status"] == "True", 60)
    desk, other = at_desk(ada), at_desk(alan)
    where = f"cd {team.folder}/flights"
    listing = shell(other, f"{where} && stat -c '%G %a' . README .git .git/config && git status --short")
    assert listing.splitlines() == [f"{team.name} {mode}" for mode in ("2775", "664", "2775", "664")]
    commit = "git -c user.name=a -c user.email=a@b commit -qam again && git log --oneline | wc -l"
    assert shell(other, f"{where} && echo 2 > README && {commit}") == "2"
    assert shell(desk, f"{where} && echo 3 > README && {commit}") == "3"

    shell(desk, f"cd {team.folder} && mv flights mine")
    team.apply(*members, repository=repository, displayName="Another name")
    generation = (team.kube.get("project", team.name) or {})["metadata"]["generation"]
    eventually("it was looked at", lambda: team.status().get("observedGeneration") == generation, 30)
    assert team.kube.get("pod", names.cloner(team.name)) is None
    assert shell(desk, f"ls -A {team.folder}") == "mine"


def cloned(team: Team) -> dict[str, Any]:
    conditions = team.status().get("conditions", ())
    found = (each for each in conditions if each["type"] == "RepositoryCloned")
    return next(found, {"status": "Unknown", "message": ""})


def test_a_project_that_could_name_no_folder_is_refused(kube: Kubectl) -> None:
    for name, spec, field in (
        ("a.b", {}, "letters, digits and hyphens"),
        ("x" * 41, {}, "at most 40"),
        (unique("team"), {"members": [{"role": "editor"}]}, "either a user or a group"),
        (
            unique("team"),
            {"members": [{"user": "a", "group": "b", "role": "editor"}]},
            "either a user or a group",
        ),
        (unique("team"), {"members": [{"user": "a", "role": "king"}]}, "spec.members"),
        (unique("team"), {"volume": {"size": "much"}}, "spec.volume.size"),
        (unique("team"), {"repository": {"url": "git@host:x.git"}}, "must begin with https"),
        (unique("team"), {"repository": {"url": "https://me:pass@host/x"}}, "no user name and no password"),
        (unique("team"), {"repository": {"url": "https://host/x y"}}, "a host and a path"),
        (unique("team"), {"repository": {"url": "https://h/x", "branch": "--x"}}, "can't be a branch"),
    ):
        body = {"apiVersion": "carrel.dev/v1", "kind": "Project", "metadata": {"name": name}, "spec": spec}
        with pytest.raises(Exception, match=field):
            kube("create", "-f", "-", stdin=json.dumps(body))


NOTEBOOK: dict[str, Any] = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
