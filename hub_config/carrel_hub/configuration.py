"""From the release's values to JupyterHub's traits."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from carrel_hub import authentication, pages
from carrel_hub.spawner import NotebookSpawner
from carrel_hub.values import Database, Hub, Values, ValuesError, load, secrets

_PORT = 8081

Config = Any  # traitlets' Config has no types


def assemble(c: Config, folder: Path) -> None:
    """Configure JupyterHub by the values and secrets in a folder; what comes later wins over what comes earlier."""
    values, found = load(folder), secrets(folder)
    _hub(c, values.hub)
    _addresses(c, values.hub)
    _spawner(c, values)
    _pages(c, values)
    authentication.configure(c, values.identity_provider)
    if values.debug.enabled:
        c.JupyterHub.log_level = "DEBUG"
    _secrets(c, found)
    for name, traits in values.hub.config.items():
        c[name].update(traits)
    _services(c, values, found)
    for _, code in sorted(values.hub.extra_config.items()):
        exec(code, {"c": c, "get_config": lambda: c})  # noqa: S102 - hub.extraConfig is Python by its meaning


def database_url(db: Database) -> str:
    """The address of the hub's database."""
    match db.type:
        case "sqlite-pvc":
            return "sqlite:////srv/jupyterhub/jupyterhub.sqlite"
        case "sqlite-memory":
            return "sqlite://"
    if not db.url:
        message = f"hub.db.url is needed with hub.db.type: {db.type}"
        raise ValuesError(message)
    return db.url


def _hub(c: Config, hub: Hub) -> None:
    c.JupyterHub.db_url = database_url(hub.db)
    c.JupyterHub.allow_named_servers = hub.allow_named_servers
    c.JupyterHub.named_server_limit_per_user = hub.named_server_limit_per_user or 0
    c.JupyterHub.concurrent_spawn_limit = hub.concurrent_spawn_limit or 0
    c.JupyterHub.active_server_limit = hub.active_server_limit or 0
    if hub.redirect_to_server is not None:
        c.JupyterHub.redirect_to_server = hub.redirect_to_server
    if hub.shutdown_on_logout is not None:
        c.JupyterHub.shutdown_on_logout = hub.shutdown_on_logout
    c.CarrelHub.groups_refresh_seconds = hub.groups_refresh_seconds
    c.CarrelHub.ended_sign_in_stops = hub.ended_sign_in_stops
    # A hub that goes away leaves people's servers and the way to them alone.
    c.JupyterHub.cleanup_servers = False
    c.JupyterHub.cleanup_proxy = False
    # How long a restarted proxy may lack routes, and the proxy lead to an address that a server has left.
    c.JupyterHub.last_activity_interval = 60
    # JupyterHub wakes up 20 times a second to see whether it is awake; once is enough to log what blocks it.
    c.PeriodicMetricsCollector.event_loop_interval_resolution = 1.0


def _addresses(c: Config, hub: Hub) -> None:
    c.JupyterHub.base_url = _slashed(hub.base_url)
    c.JupyterHub.hub_bind_url = f"http://:{_PORT}"
    c.JupyterHub.hub_connect_url = f"http://hub:{_PORT}"
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = "http://proxy-api:8001"
    if hub.public_url:
        c.JupyterHub.public_url = hub.public_url.rstrip("/") + _slashed(hub.base_url)
        # __Host- cookies can't be overwritten from another path or host, but browsers want https for them
        c.JupyterHub.cookie_host_prefix_enabled = urlsplit(hub.public_url).scheme == "https"


def _spawner(c: Config, values: Values) -> None:
    c.JupyterHub.spawner_class = NotebookSpawner
    c.NotebookSpawner.namespace = values.namespace
    c.NotebookSpawner.start_timeout = values.hub.start_timeout
    c.NotebookSpawner.stuck_timeout = values.hub.stuck_timeout
    c.NotebookSpawner.cull = values.cull


def _pages(c: Config, values: Values) -> None:
    c.JupyterHub.template_vars = {
        "carrel_backups": values.backup.enabled,
        "carrel_usage": bool(values.usage.url),
    }
    c.CarrelHub.usage_url = values.usage.url
    c.JupyterHub.template_paths = [str(pages.TEMPLATES)]
    c.JupyterHub.logo_file = str(pages.LOGO)


def _secrets(c: Config, found: Mapping[str, str]) -> None:
    for key, secret in found.items():
        match key.split("."):
            case ["hub", "config", "JupyterHub", "cookie_secret"]:
                c.JupyterHub.cookie_secret = bytes.fromhex(secret)
            case ["hub", "config", "CryptKeeper", "keys"]:
                c.CryptKeeper.keys = secret.split(";")
            case ["hub", "config", name, trait]:
                c[name][trait] = secret


def _services(c: Config, values: Values, found: Mapping[str, str]) -> None:
    services = [_service(name, service, found) for name, service in sorted(values.hub.services.items())]
    roles = [{"name": name, **role} for name, role in sorted(values.hub.load_roles.items())]
    c.JupyterHub.services = services
    c.JupyterHub.load_roles = roles


def _service(name: str, service: Mapping[str, Any], found: Mapping[str, str]) -> dict[str, Any]:
    settings = {"name": name, **service}
    token = settings.pop("apiToken", None) or found.get(f"hub.services.{name}.apiToken")
    if token:
        settings.setdefault("api_token", token)
    return settings


def _slashed(path: str) -> str:
    inner = path.strip("/")
    return f"/{inner}/" if inner else "/"
