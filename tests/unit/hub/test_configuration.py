import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from traitlets.config import Config

from carrel_hub import configuration
from carrel_hub.spawner import NotebookSpawner
from carrel_hub.values import Database, ValuesError

IDENTITY = {"enabled": True, "publicUrl": "http://localhost:8001", "adminGroups": ["admins"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hub.config.JupyterHub.cookie_secret").write_text("00ff" * 16)
    (tmp_path / "hub.config.CryptKeeper.keys").write_text("aa" * 32)
    (tmp_path / "hub.config.ConfigurableHTTPProxy.auth_token").write_text("proxy-token\n")
    (tmp_path / "hub.config.GenericOAuthenticator.client_secret").write_text("client-secret")
    (tmp_path / "hub.services.announcements.apiToken").write_text("made-token")
    return tmp_path


def assembled(folder: Path, **values: Any) -> Config:
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    config = Config()
    configuration.assemble(config, folder)
    return config


def test_without_any_value_there_is_a_whole_hub(folder: Path) -> None:
    c = assembled(folder)
    assert c.JupyterHub.spawner_class is NotebookSpawner
    assert c.JupyterHub.db_url == "sqlite:////srv/jupyterhub/jupyterhub.sqlite"
    assert c.JupyterHub.hub_connect_url == "http://hub:8081"
    assert c.JupyterHub.cleanup_servers is False
    assert c.ConfigurableHTTPProxy.should_start is False
    assert c.ConfigurableHTTPProxy.auth_token == "proxy-token"
    assert c.JupyterHub.cookie_secret == bytes.fromhex("00ff" * 16)
    assert c.CryptKeeper["keys"] == ["aa" * 32]
    assert c.Authenticator.enable_auth_state is True


def test_the_file_that_jupyterhub_runs_assembles_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, found = assembled(folder, namespace="elsewhere"), Config()
    monkeypatch.setenv("CARREL_HUB_VALUES", str(folder))
    source = Path(configuration.__file__).parents[1] / "jupyterhub_config.py"
    exec(compile(source.read_text(), source, "exec"), {"get_config": lambda: found})  # noqa: S102
    assert found.NotebookSpawner.namespace == "elsewhere"
    assert found.keys() == expected.keys()


def test_hub_config_wins_over_what_is_set_here_and_over_secrets(folder: Path) -> None:
    config = {"JupyterHub": {"allow_named_servers": False}, "ConfigurableHTTPProxy": {"auth_token": "mine"}}
    c = assembled(folder, hub={"config": config})
    assert c.JupyterHub.allow_named_servers is False
    assert c.ConfigurableHTTPProxy.auth_token == "mine"
    assert c.JupyterHub.hub_bind_url == "http://:8081", "the other traits stay"


def test_extra_config_runs_last_in_the_order_of_names(folder: Path) -> None:
    code = {
        "b": "c.JupyterHub.extra = c.JupyterHub.extra + ['b']",
        "a": "get_config().JupyterHub.extra = ['a']",
    }
    assert assembled(folder, hub={"extraConfig": code}).JupyterHub.extra == ["a", "b"]


def test_services_get_the_token_that_was_made_unless_they_bring_one(folder: Path) -> None:
    services = {"announcements": {"url": "http://announcements"}, "mine": {"apiToken": "own"}, "bare": {}}
    c = assembled(folder, hub={"services": services})
    assert c.JupyterHub.services == [
        {"name": "announcements", "url": "http://announcements", "api_token": "made-token"},
        {"name": "bare"},
        {"name": "mine", "api_token": "own"},
    ]


def test_roles_are_named_by_their_key(folder: Path) -> None:
    roles = {"readers": {"scopes": ["list:users"], "groups": ["analysts"]}}
    c = assembled(folder, hub={"loadRoles": roles})
    assert c.JupyterHub.load_roles == [{"name": "readers", "scopes": ["list:users"], "groups": ["analysts"]}]


def test_the_rule_for_idle_servers_is_the_release_s(folder: Path) -> None:
    c = assembled(folder, cull={"timeout": 60, "keepAtMost": 7200})
    policy = NotebookSpawner(config=c).cull
    assert (policy.timeout, policy.keep_at_most, policy.max_age, policy.enabled) == (60, 7200, 0, True)
    assert c.JupyterHub.services == []


def test_the_sign_in_that_comes_along_manages_groups_and_admins_by_group(folder: Path) -> None:
    c = assembled(folder, identityProvider=IDENTITY)
    generic = c.GenericOAuthenticator
    assert generic.authorize_url == "http://localhost:8001/oauth/authorize"
    assert generic.token_url == "http://identity:8080/oauth/token"
    assert (generic.manage_groups, generic.admin_groups, generic.allow_all) == (True, {"admins"}, True)
    assert generic.client_secret == "client-secret"
    assert (generic.enable_pkce, generic.basic_auth, generic.username_claim) == (True, True, "sub")


def test_sign_in_can_be_kept_to_some_groups_and_always_lets_admins_in(folder: Path) -> None:
    c = assembled(folder, identityProvider={**IDENTITY, "allowedGroups": ["analysts"]})
    assert c.GenericOAuthenticator.allowed_groups == {"analysts", "admins"}
    assert "allow_all" not in c.GenericOAuthenticator


def test_any_other_sign_in_is_named_as_with_zero_to_jupyterhub(folder: Path) -> None:
    config = {
        "JupyterHub": {"authenticator_class": "google"},
        "GoogleOAuthenticator": {"hosted_domain": ["example.org"], "manage_groups": True},
    }
    c = assembled(folder, hub={"config": config})
    assert c.JupyterHub.authenticator_class == "google"
    assert c.GoogleOAuthenticator.hosted_domain == ["example.org"]


@pytest.mark.parametrize(
    ("public", "prefixed"), [("https://notebooks.example.org", True), ("http://localhost:8000", False)]
)
def test_cookies_are_bound_to_the_host_where_browsers_allow_it(
    folder: Path, public: str, prefixed: bool
) -> None:
    c = assembled(folder, hub={"publicUrl": public, "baseUrl": "/desk"})
    assert c.JupyterHub.cookie_host_prefix_enabled is prefixed
    assert c.JupyterHub.public_url == f"{public}/desk/"
    assert c.JupyterHub.base_url == "/desk/"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param({"hub": {"confg": {}}}, "confg", id="misspelt key"),
        pytest.param({"cull": {"timeout": "often"}}, "cull.timeout", id="wrong type"),
        pytest.param({"hub": {"db": {"type": "oracle"}}}, "hub.db.type", id="unknown database"),
    ],
)
def test_values_that_cannot_be_meant_are_refused_by_name(
    folder: Path, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValuesError, match=said):
        assembled(folder, **values)


def test_values_that_are_not_there_or_not_yaml_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValuesError, match=r"values\.yaml can't be read"):
        configuration.assemble(Config(), tmp_path)
    (tmp_path / "values.yaml").write_text("{")
    with pytest.raises(ValuesError, match="can't be used"):
        configuration.assemble(Config(), tmp_path)


@pytest.mark.parametrize(
    ("database", "url"),
    [
        (Database(), "sqlite:////srv/jupyterhub/jupyterhub.sqlite"),
        (Database(type="sqlite-memory"), "sqlite://"),
        (Database(type="postgres", url="postgresql://hub@db/hub"), "postgresql://hub@db/hub"),
    ],
)
def test_the_database_has_an_address(database: Database, url: str) -> None:
    assert configuration.database_url(database) == url


def test_a_database_elsewhere_needs_its_address() -> None:
    with pytest.raises(ValuesError, match=r"hub\.db\.url is needed"):
        configuration.database_url(Database(type="postgres"))


def test_no_secret_of_the_chart_is_read_from_what_others_put_beside_it(folder: Path) -> None:
    (folder / "README").write_text("hub.config.JupyterHub.cookie_secret")
    (folder / "hub.folder").mkdir(mode=stat.S_IRWXU)
    assembled(folder)
