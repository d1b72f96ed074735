"""Groups looked up again: a real OAuthenticator before a small provider, a real hub's database, a small Kubernetes."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from jupyterhub import crypto, orm, roles
from jupyterhub.objects import Hub
from jupyterhub.user import User, UserDict
from oauthenticator.generic import GenericOAuthenticator
from sqlalchemy.orm import Session
from traitlets.config import Config

from carrel_hub import spawner as spawner_module
from carrel_hub.authentication import configure
from carrel_hub.group_refresh import GroupRefresh
from carrel_hub.notebooks import Notebooks
from carrel_hub.spawner import NotebookSpawner
from carrel_hub.values import IdentityProvider
from unit.hub.kubernetes_api import KubernetesApi, notebook

Eventually = Callable[[Callable[[], object]], Awaitable[None]]


class Provider:
    """People by name with their groups; tokens that are theirs until they are forgotten."""

    def __init__(self) -> None:
        self.groups: dict[str, list[str]] = {}
        self.access: dict[str, str] = {}
        self.refresh: dict[str, str] = {}
        self.asked: list[str] = []
        self.down = False
        self.url = ""

    async def userinfo(self, request: web.Request) -> web.Response:
        name = self.access.get(request.headers["Authorization"].rpartition(" ")[2], "")
        self.asked.append(name)
        if self.down:
            raise web.HTTPBadGateway
        if name not in self.groups:
            raise web.HTTPUnauthorized
        groups = {"groups": self.groups[name]} if self.groups[name] else {}
        return web.json_response({"sub": name, **groups})

    async def token(self, request: web.Request) -> web.Response:
        name = self.refresh.pop(str((await request.post())["refresh_token"]), "")
        if not name:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response(self.tokens(name))

    def tokens(self, name: str) -> dict[str, str]:
        number = len(self.asked)
        access, refresh = f"access-{name}-{number}", f"refresh-{name}-{number}"
        self.access[access], self.refresh[refresh] = name, name
        return {"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "scope": "groups"}


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider, app = Provider(), web.Application()
    app.router.add_get("/oauth/userinfo", provider.userinfo)
    app.router.add_post("/oauth/token", provider.token)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield provider
    await runner.cleanup()


@pytest.fixture(scope="module")
def database() -> Iterator[Session]:
    """A real hub's database; making one takes seconds."""
    database = orm.new_session_factory("sqlite:///:memory:")()
    for role in roles.get_default_roles():
        roles.create_role(database, role)
    yield database
    database.close()


@pytest.fixture
def app(
    database: Session, provider: Provider, notebooks: Notebooks, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimpleNamespace]:
    """As much of JupyterHub as it needs, with the sign-in that comes along."""
    monkeypatch.setattr(spawner_module, "shared", lambda _: notebooks)
    monkeypatch.setattr(crypto.CryptKeeper.instance(), "keys", [b"k" * 32])
    config = Config()
    allowed = ("people",)
    configure(
        config,
        IdentityProvider(enabled=True, url=provider.url, admin_groups=("admins",), allowed_groups=allowed),
    )
    authenticator = GenericOAuthenticator(config=config, client_id="hub", client_secret="s")
    hub = Hub(ip="127.0.0.1", port=8081, base_url="/hub/")
    settings = {"spawner_class": NotebookSpawner, "hub": hub, "config": Config(), "base_url": "/"}
    settings |= {"authenticator": authenticator}

    async def delete_user(*_: object) -> None:
        """The route is gone."""

    yield SimpleNamespace(
        db=database,
        users=UserDict(lambda: database, settings),
        authenticator=authenticator,
        proxy=SimpleNamespace(delete_user=delete_user),
        log=logging.getLogger("test"),
    )
    database.rollback()
    for kind in (orm.APIToken, orm.Spawner, orm.Server, orm.User, orm.Group):
        for each in database.query(kind):
            database.delete(each)
    database.commit()


async def at_work(app: SimpleNamespace, api: KubernetesApi, provider: Provider, name: str = "ada") -> User:
    """Somebody who has signed in and has a server."""
    provider.groups[name] = ["people", "analysts"]
    app.db.add(orm.User(name=name))
    app.db.commit()
    user = app.users[name]
    model = await app.authenticator._token_to_auth_model(provider.tokens(name))
    await user.save_auth_state(model["auth_state"])
    user.sync_groups(model["groups"])
    spawner = user.spawners[""]
    spawner.orm_spawner.server = orm.Server(base_url=f"/user/{name}/")
    app.db.commit()
    api.put("notebooks", notebook(name, ownerGroups=sorted(model["groups"])))
    provider.asked.clear()
    return user


@dataclass
class World:
    """All that a look at the provider meets."""

    app: SimpleNamespace
    api: KubernetesApi
    provider: Provider
    refresh: GroupRefresh

    async def at_work(self, name: str = "ada") -> User:
        return await at_work(self.app, self.api, self.provider, name)

    def said(self, name: str = "ada") -> Any:
        return self.api.objects["notebooks"][name]["spec"]["ownerGroups"]


@pytest.fixture
async def world(app: SimpleNamespace, provider: Provider, notebooks: Notebooks, api: KubernetesApi) -> World:
    members = [{"group": "analysts", "role": "editor"}]
    api.put("projects", {"metadata": {"name": "sales"}, "spec": {"members": members}})
    await notebooks.view.catalogue()
    await notebooks.view.all_projects()
    return World(app, api, provider, GroupRefresh(app, notebooks, 40, ended_stops=False))


async def test_who_leaves_a_group_at_the_provider_is_out_of_it_here_and_it_is_written_once(
    world: World, notebooks: Notebooks
) -> None:
    user = await world.at_work()
    await notebooks.view.all()
    await world.refresh.look()
    assert world.api.writes == [], "nothing differed"
    world.provider.groups["ada"] = ["people", "admins"]
    await world.refresh.look()
    await world.refresh.look()
    assert world.api.writes == [("PATCH", "notebooks/ada")]
    assert world.said() == ["admins", "people"]
    assert {group.name for group in user.groups} == {"admins", "people"}
    assert user.admin


async def test_somebody_in_no_group_at_all_keeps_none(world: World) -> None:
    user = await world.at_work()
    world.app.authenticator.allow_all = True
    world.provider.groups["ada"] = []
    await world.refresh.look()
    assert world.said() == []
    assert user.groups == []


async def test_only_who_is_at_work_is_asked_about_and_only_while_groups_matter(
    world: World, notebooks: Notebooks, eventually: Eventually
) -> None:
    await world.at_work()
    idle = await world.at_work("alan")
    idle.spawners[""].orm_spawner.server = None
    world.app.db.commit()
    await world.refresh.look()
    assert world.provider.asked == ["ada"]
    world.api.remove("projects", "sales")
    world.api.remove("instancetypes", "gpu")
    await eventually(lambda: not notebooks.view.groups_matter())
    await world.refresh.look()
    assert world.provider.asked == ["ada"]


async def test_a_token_that_has_expired_is_renewed_and_kept(world: World) -> None:
    user = await world.at_work()
    world.provider.access.clear()
    world.provider.groups["ada"] = ["people"]
    await world.refresh.look()
    assert world.said() == ["people"]
    state = await user.get_auth_state()
    assert state["access_token"] in world.provider.access
    assert state["refresh_token"] in world.provider.refresh


async def test_while_the_provider_is_away_nothing_changes_and_the_log_says_so_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "test")
    user = await world.at_work()
    world.provider.groups["ada"], world.provider.down = [], True
    await world.refresh.look()
    await world.refresh.look()
    assert world.said() == ["analysts", "people"]
    assert user.active
    messages = [record.message for record in caplog.records if record.name == "test"]
    assert messages == ["The sign-in does not answer: everybody's groups stay as they were."]
    world.provider.down, world.provider.groups["ada"] = False, ["people"]
    await world.refresh.look()
    assert world.said() == ["people"]


async def test_a_provider_that_has_forgotten_everybody_throws_nobody_out(world: World) -> None:
    user = await world.at_work()
    world.provider.access.clear()
    world.provider.refresh.clear()
    await world.refresh.look()
    asked = len(world.provider.asked)
    await world.refresh.look()
    assert len(world.provider.asked) == asked, "it is not asked in vain again and again"
    assert user.active
    assert world.said() == ["analysts", "people"]
    model = await world.app.authenticator._token_to_auth_model(
        world.provider.tokens("ada")
    )  # they sign in again
    await user.save_auth_state(model["auth_state"])
    world.provider.groups["ada"] = ["people"]
    await world.refresh.look()
    assert world.said() == ["people"]


@pytest.mark.parametrize("how", ["may not sign in", "ended, and that is an end here"])
async def test_who_may_not_sign_in_any_more_is_turned_out_everywhere(
    world: World, notebooks: Notebooks, how: str
) -> None:
    user, other = await world.at_work(), await world.at_work("alan")
    await notebooks.view.all()
    cookie = user.orm_user.cookie_id
    if how == "may not sign in":
        world.provider.groups["ada"] = ["strangers"]
    else:
        world.refresh = GroupRefresh(world.app, notebooks, 40, ended_stops=True)
        world.provider.access = {
            token: name for token, name in world.provider.access.items() if name != "ada"
        }
        world.provider.refresh.clear()
    world.api.say("ada", "Stopped", "Stopped")
    world.api.objects["notebooks"]["ada"]["status"]["observedGeneration"] = 99
    world.api.put("notebooks", world.api.objects["notebooks"]["ada"])
    await world.refresh.look()
    assert not user.active
    assert other.active
    assert "analysts" not in world.said()
    assert user.orm_user.cookie_id != cookie
    assert await user.get_auth_state() is None
