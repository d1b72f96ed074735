"""A project's own server on a real cluster: for its members, under its own identity, and shut to who has gone."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import httpx
import pytest
import yarl

from carrel_operator import names
from support.cluster import Kubectl, KubectlError, Object, Person, Platform, eventually, quoted, unique
from support.own_loop import finished
from support.sign_in import sign_in

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]
SECONDS = 60  # within which who is out must be out


class Team:
    """A Project and its own server, which belongs to a hub user of its own."""

    def __init__(self, platform: Platform, hub: httpx.Client, kube: Kubectl) -> None:
        self.name, self.kube = unique("team"), kube
        self.server = Person(names.team(self.name), hub, kube, platform.url)
        self.homes: set[str] = set()

    def apply(self, *members: tuple[str, str], kind: str = "user") -> None:
        """With these members, and its volume prepared."""
        entries = [{kind: who, "role": role} for who, role in members]
        spec = {"members": entries, "volume": {"size": "1Gi"}}
        meta = {"name": self.name}
        self.kube.apply({"apiVersion": "carrel.dev/v1", "kind": "Project", "metadata": meta, "spec": spec})
        self.kube("wait", f"project/{self.name}", "--for=condition=Ready", "--timeout=60s")
        self.homes.add(names.project_home(self.name, self.status()["gid"]))

    def status(self) -> Object:
        found = self.kube.get("project", self.name) or {}
        return found.get("status", {})

    def delete(self) -> None:
        self.kube("delete", "project", self.name, "--ignore-not-found", "--timeout=60s")

    def remove(self) -> None:
        self.delete()
        for claim in (names.project_volume(self.name), *self.homes):
            self.kube("delete", "pvc", claim, "--ignore-not-found", "--wait=false")


@pytest.fixture
def team(platform: Platform, hub: httpx.Client, kube: Kubectl) -> Iterator[Team]:
    found = Team(platform, hub, kube)
    yield found
    found.remove()


class Visitor:
    """A person with a token of their own, at somebody else's server."""

    def __init__(self, somebody: Person) -> None:
        answer = somebody.hub.post(f"/users/{quoted(somebody.name)}/tokens", json={})
        assert answer.status_code == 201, answer.text
        self.name, self.url = somebody.name, somebody.url
        self.headers = {"Authorization": f"token {answer.json()['token']}"}

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        with httpx.Client(timeout=60, trust_env=False) as client:
            return client.request(method, f"{self.url}/{path}", headers=self.headers, **more)

    def start(self, server: Person) -> int:
        return self.ask(
            "POST", f"hub/api/users/{quoted(server.name)}/server", json={"instance_type": "small"}
        ).status_code

    def opens(self, server: Person) -> int:
        return self.ask("GET", f"user/{quoted(server.name)}/api/contents").status_code

    async def resize(self, server: Person, size: str) -> int:
        found = await asyncio.to_thread(
            self.ask, "PATCH", f"hub/api/users/{quoted(server.name)}/server", json={"instance_type": size}
        )
        return found.status_code

    async def until_cut(self, server: Person, meanwhile: Callable[[], None]) -> None:
        """Hold a websocket open, do something, and wait for its end."""
        url = f"{self.url}/user/{quoted(server.name)}/api/events/subscribe"
        async with (
            aiohttp.ClientSession(headers=self.headers) as session,
            session.ws_connect(yarl.URL(url, encoded=True)) as socket,
        ):
            await asyncio.to_thread(meanwhile)
            async with asyncio.timeout(SECONDS):
                async for _ in socket:
                    pass


def test_members_work_in_the_projects_own_server_and_nobody_else_does(
    person: NewPerson, team: Team, kube: Kubectl, hub: httpx.Client, browser: httpx.Client
) -> None:
    ada, alan, vera, stranger = (person() for _ in range(4))
    team.apply((ada.name, "editor"), (alan.name, "admin"), (vera.name, "viewer"), ("alan", "editor"))
    one, two, viewer, other = (Visitor(each) for each in (ada, alan, vera, stranger))
    server = team.server
    eventually("the hub lets members in", lambda: one.start(server) in {201, 202}, 15)
    assert viewer.start(server) in {403, 404}
    assert other.start(server) in {403, 404}
    server.start_is_over()
    server.settle()
    assert [each.opens(server) for each in (one, two, viewer, other)] == [200, 200, 403, 403]
    desk = f"{server.url}/user/{quoted(server.name)}/lab"
    opened = browser.get(desk)
    assert opened.status_code == 200
    assert str(opened.url).startswith(desk), "no page asks for consent"

    runs_as_the_project(team)
    sizes = both_resize(server, one, two)
    notebook = server.notebook()
    assert notebook
    assert notebook["spec"]["instanceType"] in sizes
    annotations = notebook["metadata"]["annotations"]
    assert annotations["carrel.dev/started-by"] == ada.name
    assert annotations["carrel.dev/resized-by"] in {ada.name, alan.name}
    log = kube("logs", "deploy/hub", "--since=10m")
    assert any(
        f"POST /hub/api/users/{quoted(server.name)}/server" in line and ada.name in line
        for line in log.splitlines()
    )

    uid = server.pod_uid()
    finished(two.until_cut(server, lambda: team.apply((ada.name, "editor"))))
    assert two.opens(server) in {403, 503}
    eventually("the others go on", lambda: one.opens(server) == 200, SECONDS)
    assert two.opens(server) == 403
    assert browser.get(desk).status_code == 403
    assert server.pod_uid() != uid, "what he left running has ended"
    who = ", ".join(sorted(("alan", alan.name)))
    said = f"The server was restarted, because {who} may no longer work in project '{team.name}'. Files are kept."
    eventually("the others read why", lambda: (server.notebook() or {})["status"].get("message") == said, 30)

    team.delete()
    eventually("its server is gone", lambda: server.pod() is None, SECONDS)
    eventually(
        "its user is gone", lambda: hub.get(f"/users/{quoted(server.name)}").status_code == 404, SECONDS
    )
    assert one.start(server) in {403, 404}


def runs_as_the_project(team: Team) -> None:
    """Its account, its number, its files, its own home."""
    status, server = team.status(), team.server
    seen = json.loads(server.python(WHO_AM_I.replace("TEAM", team.name)))
    assert seen["user"] == f"project_{team.name}"
    assert seen["home"] == f"/home/project_{team.name}"
    assert seen["made"] == [f"project_{team.name}", team.name, "664"]
    notebook = server.notebook()
    assert notebook
    assert notebook["status"]["principal"] == status["principal"]
    account = names.project_account(team.name, status["gid"])
    assert status["principal"].endswith(account)
    assert (server.pod() or {})["spec"]["serviceAccountName"] == account


WHO_AM_I = """
import grp, json, os, pathlib, pwd
os.umask(0o002)
made = pathlib.Path("/projects/TEAM/made")
made.touch()
found = made.stat()
owner = [pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid).gr_name, f"{found.st_mode & 0o777:o}"]
print(json.dumps({"user": pwd.getpwuid(os.getuid()).pw_name, "home": os.environ["HOME"], "made": owner}))
"""


def both_resize(server: Person, one: Visitor, two: Visitor) -> set[str]:
    """Two people at once: both are taken at their word, and one of the two sizes it is."""

    async def both() -> list[int]:
        return list(await asyncio.gather(one.resize(server, "medium"), two.resize(server, "small")))

    assert finished(both()) == [202, 202]
    server.settle()
    return {"medium", "small"}


def test_a_project_made_again_is_another_one_for_the_warehouse_too(team: Team, kube: Kubectl) -> None:
    team.apply(("ada", "editor"))
    before = team.status()["principal"]
    account = before.rpartition(":")[2]
    assert kube.get("serviceaccount", account)
    team.delete()
    eventually("its account is gone", lambda: kube.get("serviceaccount", account) is None, 30)
    team.kube("delete", "pvc", names.project_volume(team.name), "--timeout=60s")
    team.apply(("ada", "editor"))
    assert team.status()["principal"] != before


def test_what_only_claims_to_be_a_projects_server_gets_nothing(
    person: NewPerson, team: Team, kube: Kubectl, hub: httpx.Client
) -> None:
    team.apply(*((f"member-{number}", "editor") for number in range(200)))
    stranger, nowhere = unique("test"), unique("nowhere")
    made = []
    try:
        for owner, project, said in (
            (stranger, team.name, f"'{stranger}' is not the project"),
            (names.team(nowhere), nowhere, f"There is no project '{nowhere}'"),
        ):
            name = names.notebook(owner)
            spec = {"owner": owner, "project": project, "instanceType": "small", "image": "datascience"}
            body = {"apiVersion": "carrel.dev/v1", "kind": "Notebook", "metadata": {"name": name}}
            kube.apply(body | {"spec": spec | {"running": True}})
            made.append(name)
            kube("wait", f"notebook/{name}", "--for=condition=MembershipValid=false", "--timeout=30s")
            assert said in (kube.get("notebook", name) or {})["status"]["message"]
            assert kube.get("pod", names.pod(name)) is None
            with pytest.raises(KubectlError, match="project of a notebook never changes"):
                kube("patch", "notebook", name, "--type=merge", "-p", '{"spec":{"project":"other"}}')
    finally:
        kube("delete", "notebook", *made, "--ignore-not-found")
    for taken in (names.team(team.name), "PROJECT:x", names.team(nowhere)):
        assert hub.post(f"/users/{quoted(taken)}").status_code in {400, 409}
    same = person(team.name)  # a person called like a project is a person
    assert Visitor(same).start(team.server) in {403, 404}


LEAVE = """
import sqlite3, sys
with sqlite3.connect("/tmp/identity.sqlite") as database:
    database.execute("DELETE FROM membership_association_table WHERE user_id = ?", sys.argv[1:])
"""
JOIN = """
import sqlite3, sys
with sqlite3.connect("/tmp/identity.sqlite") as database:
    database.execute("INSERT INTO membership_association_table VALUES (?, ?, datetime('now'))", sys.argv[1:])
"""

RENAME = """
import sqlite3, sys
with sqlite3.connect("/tmp/identity.sqlite") as database:
    database.execute('UPDATE "group" SET display_name = ? WHERE id = ?', sys.argv[1:])
"""


def provider(kube: Kubectl, code: str, *arguments: str) -> None:
    """Change groups and who is in them, as an administrator of the sign-in would."""
    kube("exec", "-i", "deploy/identity", "--", "python", "-", *arguments, stdin=code)


@pytest.fixture
def browser(platform: Platform, sign_ins: dict[str, str]) -> Iterator[httpx.Client]:
    """Alan of the demo sign-in, signed in."""
    client = sign_in(platform, "alan", sign_ins["alan"])
    yield client
    client.close()


@pytest.fixture
def alan(platform: Platform, hub: httpx.Client, kube: Kubectl, browser: httpx.Client) -> Iterator[Person]:  # noqa: ARG001
    """The same, and in his groups again afterwards, which have their names."""
    somebody = Person("alan", hub, kube, platform.url)
    yield somebody
    provider(kube, LEAVE, "user-alan")
    provider(kube, JOIN, "user-alan", "group-analysts")
    provider(kube, RENAME, "analysts", "group-analysts")
    somebody.stop()


def test_who_leaves_a_group_at_the_sign_in_loses_its_files_while_at_work(
    alan: Person, team: Team, kube: Kubectl
) -> None:
    team.apply(("analysts", "editor"), kind="group")
    alan.start()
    assert has_files(alan, team)
    provider(kube, LEAVE, "user-alan")
    is_out(alan, team)
    assert (alan.notebook() or {})["spec"]["ownerGroups"] == []


def test_a_group_renamed_at_the_sign_in_is_another_one_until_the_project_names_it(
    alan: Person, team: Team, kube: Kubectl
) -> None:
    team.apply(("analysts", "editor"), kind="group")
    alan.start()
    assert has_files(alan, team)
    renamed = unique("analysts")
    provider(kube, RENAME, renamed, "group-analysts")
    is_out(alan, team)
    assert (alan.notebook() or {})["spec"]["ownerGroups"] == [renamed]
    team.apply((renamed, "editor"), kind="group")
    eventually("he reads that they come back", lambda: comes_back(alan, team), 30)
    alan.stop()
    alan.start()
    assert has_files(alan, team)


def has_files(somebody: Person, team: Team) -> bool:
    """Whether their server mounts the project and has its number; both or neither."""
    code = "import json, os; print(json.dumps([os.listdir('/projects'), os.getgroups()]))"
    folders, numbers = json.loads(somebody.python(code))
    assert (team.name in folders) is (team.status()["gid"] in numbers), (folders, numbers)
    return team.name in folders


def is_out(somebody: Person, team: Team) -> None:
    """Within a minute, of a server that ran, with a sentence why."""

    def mounts() -> Any:
        return (somebody.notebook() or {})["status"].get("projects")

    eventually("no files any longer", lambda: mounts() is None and somebody.is_ready(), SECONDS)
    said = f"The server was restarted, because you are no longer a member of project '{team.name}'. Files are kept."
    eventually("the sentence why", lambda: (somebody.notebook() or {})["status"]["message"] == said, 30)
    eventually("a server that answers", somebody.answers, 30)
    assert not has_files(somebody, team)


def comes_back(somebody: Person, team: Team) -> bool:
    conditions = (somebody.notebook() or {})["status"]["conditions"]
    told = next(each["message"] for each in conditions if each["type"] == "MembershipValid")
    return bool(told.endswith(f"At the next start: {team.name}."))
