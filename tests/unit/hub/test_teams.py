"""JupyterHub's users, roles and running servers of projects, with a real hub's database and a small Kubernetes API."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm, roles, scopes
from jupyterhub.objects import Hub
from jupyterhub.user import UserDict
from jupyterhub.utils import utcnow
from sqlalchemy import event
from sqlalchemy.orm import Session
from traitlets.config import Config

from carrel_hub import spawner as spawner_module
from carrel_hub.notebooks import Notebooks
from carrel_hub.spawner import NotebookSpawner
from carrel_hub.teams import Teams
from carrel_operator import names
from unit.hub.kubernetes_api import KubernetesApi

Eventually = Callable[[Callable[[], object]], Awaitable[None]]
SERVER = names.notebook("project:sales")


class Proxy:
    """Routes that were taken away."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    async def delete_user(self, user: Any, server_name: str) -> None:
        self.removed.append(f"{user.name}/{server_name}")


@pytest.fixture(scope="module")
def database() -> Iterator[Session]:
    """A real hub's database; making one takes seconds."""
    database = orm.new_session_factory("sqlite:///:memory:")()
    yield database
    database.close()


@pytest.fixture
def db(database: Session) -> Iterator[Session]:
    for role in roles.get_default_roles():
        roles.create_role(database, role)
    database.add(orm.OAuthClient(identifier="jupyterhub", secret="", redirect_uri=""))
    database.commit()
    yield database
    database.rollback()
    for table in reversed(orm.Base.metadata.sorted_tables):
        database.execute(table.delete())
    database.commit()
    database.expunge_all()


@pytest.fixture
def app(db: Session, notebooks: Notebooks, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """As much of JupyterHub as a team needs."""
    monkeypatch.setattr(spawner_module, "shared", lambda _: notebooks)
    hub = Hub(ip="127.0.0.1", port=8081, base_url="/hub/")
    settings = {"spawner_class": NotebookSpawner, "hub": hub, "config": Config(), "base_url": "/"}
    return SimpleNamespace(
        db=db,
        users=UserDict(lambda: db, settings),
        authenticator=SimpleNamespace(manage_roles=False),
        tornado_settings={"oauth_no_confirm_list": set()},
        proxy=Proxy(),
        activity_resolution=30,
        log=logging.getLogger("test"),
    )


@pytest.fixture
async def teams(
    app: SimpleNamespace, notebooks: Notebooks, api: KubernetesApi, eventually: Eventually
) -> AsyncIterator[Teams]:
    put(api, ("user", "ada", "editor"), ("group", "leads", "admin"), ("group", "analysts", "viewer"))
    found = Teams(app, notebooks)
    found.open()
    await eventually(lambda: "sales" in found._in)
    yield found
    await found.close()


def put(api: KubernetesApi, *members: tuple[str, str, str], name: str = "sales") -> None:
    entries = [{kind: who, "role": role} for kind, who, role in members]
    api.put("projects", {"metadata": {"name": name}, "spec": {"members": entries}})


def person(db: Session, name: str, *groups: str) -> orm.User:
    found = orm.User(name=name)
    db.add(found)
    roles.assign_default_roles(db, entity=found)
    found.groups = [orm.Group.find(db, group) or orm.Group(name=group) for group in groups]
    db.commit()
    return found


def may_open(db: Session, name: str) -> bool:
    user = orm.User.find(db, name)
    held = scopes.expand_scopes(roles.roles_to_scopes(roles.get_roles_for(user)), owner=user)
    return "access:servers!user=project:sales" in held


@pytest.mark.usefixtures("teams")
async def test_members_may_open_it_as_soon_as_the_hub_knows_them(
    app: SimpleNamespace, eventually: Eventually
) -> None:
    person(app.db, "ada")
    person(app.db, "alan", "analysts")
    person(app.db, "grace", "leads")
    person(app.db, "sales")
    await eventually(lambda: may_open(app.db, "ada") and may_open(app.db, "grace"))
    assert not may_open(app.db, "alan")
    assert not may_open(app.db, "sales")
    assert not orm.User.find(app.db, "grace").roles[1:], "she has it by her group"


@pytest.mark.usefixtures("teams")
async def test_who_is_removed_from_the_project_or_the_group_is_out(
    app: SimpleNamespace, api: KubernetesApi, eventually: Eventually
) -> None:
    person(app.db, "ada")
    grace = person(app.db, "grace", "leads")
    await eventually(lambda: may_open(app.db, "ada") and may_open(app.db, "grace"))
    put(api, ("user", "ada", "viewer"), ("group", "leads", "admin"))
    await eventually(lambda: not may_open(app.db, "ada"))
    app.users[grace].sync_groups(["readers"])
    assert not may_open(app.db, "grace")


async def test_nothing_is_written_when_nothing_differs(
    teams: Teams, app: SimpleNamespace, api: KubernetesApi, eventually: Eventually
) -> None:
    person(app.db, "ada")
    await eventually(lambda: may_open(app.db, "ada"))
    written: list[str] = []

    def execute(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not statement.startswith(("SELECT", "PRAGMA")):
            written.append(statement)

    event.listen(app.db.get_bind(), "before_cursor_execute", execute)
    try:
        api.put("projects", {**api.objects["projects"]["sales"], "status": {"message": "as before"}})
        await eventually(lambda: next(iter(teams._notebooks.view.projects)).status.message == "as before")
        await eventually(lambda: not teams._due.is_set())
    finally:
        event.remove(app.db.get_bind(), "before_cursor_execute", execute)
    assert written == []
    assert api.writes == []


async def test_the_hub_begins_with_the_roles_in_its_configuration(
    app: SimpleNamespace, notebooks: Notebooks, api: KubernetesApi
) -> None:
    person(app.db, "ada")
    put(api, ("user", "ada", "editor"), ("user", "nobody yet", "editor"))
    await notebooks.view.all_projects()
    [role] = Teams(app, notebooks).configured_roles()
    assert (role["users"], role["groups"]) == (["ada"], [])
    app.authenticator.manage_roles = True
    [role] = Teams(app, notebooks).configured_roles()
    assert role.keys() == {"name", "description", "scopes"}


@pytest.mark.usefixtures("teams")
async def test_a_role_of_somebody_elses_making_is_left_alone(
    app: SimpleNamespace, api: KubernetesApi, eventually: Eventually
) -> None:
    roles.create_role(app.db, {"name": "mine", "scopes": ["read:hub"]})
    api.remove("projects", "sales")
    await eventually(lambda: orm.Role.find(app.db, "carrel-project-sales") is None)
    assert orm.Role.find(app.db, "mine")


@pytest.mark.usefixtures("teams")
async def test_the_hub_user_of_a_project_comes_and_goes_with_it(
    app: SimpleNamespace, api: KubernetesApi, eventually: Eventually
) -> None:
    assert orm.User.find(app.db, "project:sales")
    [client] = app.tornado_settings["oauth_no_confirm_list"]
    assert client == app.users["project:sales"].spawners[""].oauth_client_id
    person(app.db, "sales")
    api.remove("projects", "sales")
    await eventually(lambda: orm.User.find(app.db, "project:sales") is None)
    assert app.tornado_settings["oauth_no_confirm_list"] == set()
    assert orm.User.find(app.db, "sales"), "a person of that name stays"


def running(app: SimpleNamespace, api: KubernetesApi) -> NotebookSpawner:
    """The team's server, as it is after a start."""
    spec = {"owner": "project:sales", "project": "sales", "instanceType": "small", "image": "standard"}
    metadata = {"name": SERVER, "namespace": "carrel"}
    api.put("notebooks", {"metadata": metadata, "spec": spec | {"session": "s1", "running": True}})
    user = app.users["project:sales"]
    spawner: NotebookSpawner = user.spawners[""]
    spawner.orm_spawner.server = orm.Server(base_url="/user/project%3Asales/")
    spawner.orm_spawner.started = utcnow(with_tz=False) - timedelta(minutes=5)
    app.db.add(orm.OAuthClient(identifier=spawner.oauth_client_id, secret="", redirect_uri=""))
    app.db.commit()
    assert spawner.active
    return spawner


def opened(app: SimpleNamespace, user: orm.User, client: str) -> orm.APIToken:
    """What the hub remembers of a person who has a server open, or of their program."""
    token = orm.APIToken(client_id=client, user=user, last_activity=utcnow(with_tz=False))
    token.hashed, token.prefix, token.scopes = f"hash-{user.name}-{client}", "abcd", []
    app.db.add(token)
    app.db.commit()
    return token


def session(api: KubernetesApi) -> str:
    found: str = api.objects["notebooks"][SERVER]["spec"]["session"]
    return found


@pytest.mark.parametrize("client", ["", "jupyterhub"], ids=["in a browser", "by a program"])
async def test_a_server_that_somebody_had_open_is_made_anew_without_them(
    teams: Teams, app: SimpleNamespace, api: KubernetesApi, eventually: Eventually, client: str
) -> None:
    ada, alan = person(app.db, "ada"), person(app.db, "alan", "leads")
    spawner = running(app, api)
    client = client or spawner.oauth_client_id
    token = opened(app, ada, client)
    opened(app, alan, client)
    token.last_activity = spawner.orm_spawner.started - timedelta(seconds=29)  # later uses were not noted
    app.db.commit()
    await eventually(lambda: teams._in.get("sales") == {"ada", "alan"})
    put(api, ("group", "leads", "admin"))
    await eventually(lambda: session(api) != "s1")
    notice = api.objects["notebooks"][SERVER]["metadata"]["annotations"]["carrel.dev/notice"]
    assert notice == (
        f"{session(api)} The server was restarted, because ada may no longer work in project 'sales'. Files are kept."
    )
    if client == spawner.oauth_client_id:
        await eventually(lambda: [each.user.name for each in app.db.query(orm.APIToken)] == ["alan"])
    second = session(api)
    app.users[alan].sync_groups([])
    await eventually(lambda: session(api) != second)


async def test_nobody_is_disturbed_when_who_leaves_never_was_there(
    teams: Teams, app: SimpleNamespace, api: KubernetesApi, eventually: Eventually
) -> None:
    person(app.db, "ada")
    person(app.db, "alan", "leads")
    running(app, api)
    await eventually(lambda: teams._in.get("sales") == {"ada", "alan"})
    put(api, ("group", "leads", "admin"))
    await eventually(lambda: teams._in.get("sales") == {"alan"})
    assert session(api) == "s1"


async def test_what_the_cluster_refused_is_tried_again(
    teams: Teams,
    app: SimpleNamespace,
    api: KubernetesApi,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("carrel_hub.teams._PAUSE", 0.05)
    ada = person(app.db, "ada")
    token = opened(app, ada, running(app, api).oauth_client_id)
    await eventually(lambda: teams._in.get("sales") == {"ada"})
    api.refusal = (500, "not now")
    put(api)
    await asyncio.sleep(0.2)
    assert session(api) == "s1"
    assert token in app.db, "it is what tells the next look"
    api.refusal = None
    await eventually(lambda: session(api) != "s1")
