"""What the chart tells the hub: read once at start into a frozen value that is passed on.

The folder is the Secret ``hub``: ``values.yaml`` with the keys of these classes in camelCase (an unknown one is
an error, because a misspelt setting that is quietly ignored is worse than a start that fails), and beside it one
file for each secret that the chart made: ``hub.config.CLASS.TRAIT`` and ``hub.services.NAME.apiToken``.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec

from carrel_operator.settings import Cull


class ValuesError(ValueError):
    """The values can't be used; the message names the key and what it should be."""


class _Section(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A mapping of the file, in which every key is known."""


class Database(_Section, frozen=True):
    """Where the hub keeps users, tokens and which servers run."""

    type: Literal["sqlite-pvc", "sqlite-memory", "postgres", "mysql", "other"] = "sqlite-pvc"
    url: str | None = None


class Hub(_Section, frozen=True):
    """JupyterHub itself; the names are those of Zero to JupyterHub where the meaning is the same."""

    base_url: str = "/"
    public_url: str | None = None
    config: dict[str, dict[str, Any]] = {}
    services: dict[str, dict[str, Any]] = {}
    load_roles: dict[str, dict[str, Any]] = {}
    extra_config: dict[str, str] = {}
    db: Database = Database()
    allow_named_servers: bool = True
    named_server_limit_per_user: int | None = 5
    concurrent_spawn_limit: int | None = 64
    active_server_limit: int | None = None
    redirect_to_server: bool | None = None
    shutdown_on_logout: bool | None = None
    start_timeout: int = 600
    stuck_timeout: float = 120
    groups_refresh_seconds: float = 40
    ended_sign_in_stops: bool = False


class IdentityProvider(_Section, frozen=True):
    """The sign-in that comes with the release, for demonstrations."""

    enabled: bool = False
    public_url: str = ""
    url: str = "http://identity:8080"
    name: str = "Carrel demo sign-in"
    admin_groups: tuple[str, ...] = ()
    allowed_groups: tuple[str, ...] = ()


class Backup(_Section, frozen=True):
    """Whether there are backups to restore from."""

    enabled: bool = False


class Usage(_Section, frozen=True):
    """Where what was used is counted; nowhere if empty."""

    url: str = ""


class Debug(_Section, frozen=True):
    """How much the hub says."""

    enabled: bool = False


class Values(_Section, frozen=True):
    """Everything an administrator decides about the hub."""

    namespace: str = "carrel"
    hub: Hub = Hub()
    cull: Cull = Cull()
    identity_provider: IdentityProvider = IdentityProvider()
    backup: Backup = Backup()
    usage: Usage = Usage()
    debug: Debug = Debug()


def load(folder: Path) -> Values:
    """Read the values; ValuesError says what is wrong with them."""
    path = folder / "values.yaml"
    try:
        return parse(msgspec.yaml.decode(path.read_bytes()))
    except OSError as error:
        message = f"The values {path} can't be read: {error.strerror}"
        raise ValuesError(message) from error
    except (ValuesError, msgspec.DecodeError) as error:
        message = f"The values {path} can't be used: {error}"
        raise ValuesError(message) from error


def parse(content: object) -> Values:
    """Turn the content of ``values.yaml`` into a value; ValuesError says what is wrong with it."""
    try:
        return msgspec.convert(content, Values)
    except msgspec.ValidationError as error:
        raise ValuesError(str(error)) from error


def secrets(folder: Path) -> dict[str, str]:
    """The secrets beside the values, by their key."""
    return {
        path.name: path.read_text(encoding="utf-8").strip()
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name.startswith("hub.")
    }
