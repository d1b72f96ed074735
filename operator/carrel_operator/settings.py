"""The operator's configuration: read once at start into a frozen value that is passed on.

The file is YAML with the keys of these classes in camelCase; an unknown key, a missing one and a value of
another type are errors that name the key, because a misspelt setting that is quietly ignored is worse than a
start that fails.
"""

from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import msgspec

from carrel_operator.quantities import number
from carrel_operator.schedule import Nightly


class SettingsError(ValueError):
    """The settings file can't be used; the message names the key and what it should be."""


class IdentityMode(StrEnum):
    """How a notebook proves to the warehouse whose it is."""

    NONE = "none"
    FEDERATED = "federated"
    METADATA = "metadata"


class _Section(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A mapping of the file, in which every key is known."""


class Home(_Section, frozen=True):
    """The claim that holds a person's files."""

    size: str = "10Gi"
    max_size: str | None = None  # up to which a home that fills up grows by itself; None: it does not
    storage_class: str | None = None
    keep: bool = True

    def __post_init__(self) -> None:
        try:
            size, most = number(self.size), number(self.max_size or self.size)
        except ValueError as error:
            message = f"home.size or home.maxSize can't be used: {error}"
            raise SettingsError(message) from error
        if most < size:
            message = f"home.maxSize ({self.max_size}) is less than home.size ({self.size}); raise it or leave it out"
            raise SettingsError(message)


class NotebookDefaults(_Section, frozen=True):
    """What every notebook pod has in common."""

    port: int = 8888
    termination_grace_period_seconds: int = 10
    resizes_per_second: float = 2.0  # when an administrator changes a size that many use
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    priority_class_name: str | None = None
    environment: dict[str, str] = {}


class Projects(_Section, frozen=True):
    """What teams share."""

    size: str = "50Gi"
    storage_class: str | None = (
        None  # one whose volumes many nodes may mount at once; None: the cluster's default
    )
    image: str = ""  # that works on their volumes: the operator's own
    check_every_hours: float = 24.0  # how often files that are in use are looked through; 0: never


class Keep(_Section, frozen=True):
    """How many backups of a volume are kept: the newest of each of so many days, weeks and months."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 6


class Snapshots(StrEnum):
    """Whether backups are snapshots of the storage where its class has them."""

    AUTO = "auto"
    NEVER = "never"


class Backup(_Section, frozen=True):
    """What is backed up when, and where to."""

    enabled: bool = False
    snapshots: Snapshots = Snapshots.AUTO
    image: str = ""
    at: str = "02:30"
    time_zone: str = "UTC"
    keep: Keep = Keep()
    concurrency: int = 2  # of volumes at night; where somebody waits, it does not matter
    exclude: tuple[str, ...] = ()  # patterns of restic
    patience_before_image_change: int = 300  # seconds; 0: no backup before another image starts
    repository: str | None = None  # of restic, such as s3:https://…; None: a claim
    claim: str = "backups"
    password_secret: str = "backup"  # noqa: S105 - its name
    credentials_secret: str | None = None
    resources: dict[str, dict[str, Any]] = {}

    def __post_init__(self) -> None:
        try:
            _ = self.nightly
        except (ValueError, KeyError) as error:
            message = (
                f"backup.schedule can't be used ({error}): 'at' is a time such as \"02:30\", "
                "'timeZone' a name such as Europe/Berlin"
            )
            raise SettingsError(message) from error

    @property
    def uses_snapshots(self) -> bool:
        """Whether the storage is asked for snapshots at all."""
        return self.enabled and self.snapshots is Snapshots.AUTO

    @property
    def nightly(self) -> Nightly:
        """When, every night."""
        return Nightly(time.fromisoformat(self.at), ZoneInfo(self.time_zone))


class Identity(_Section, frozen=True):
    """How a notebook gets into the warehouse without a key."""

    mode: IdentityMode = IdentityMode.NONE
    audience: str = ""
    token_expiration_seconds: int = 3600
    credentials_config_map: str = "warehouse-credentials"
    project: str = ""
    service_account_annotations: dict[str, str] = {}
    environment: dict[str, str] = {}
    principal: str = "system:serviceaccount:{namespace}:{serviceAccount}"

    def __post_init__(self) -> None:
        if self.mode is IdentityMode.FEDERATED and not self.audience:
            message = "identity.audience is needed with identity.mode: federated: it is whom the token is for"
            raise SettingsError(message)
        try:
            self.principal_of("namespace", "account")
        except (KeyError, IndexError, ValueError) as error:
            message = (
                "identity.principal may use the placeholders {namespace} and {serviceAccount} and no others"
            )
            raise SettingsError(message) from error

    def principal_of(self, namespace: str, service_account: str) -> str:
        """The name by which the warehouse's audit log knows a ServiceAccount."""
        return self.principal.format(namespace=namespace, serviceAccount=service_account)


class Network(_Section, frozen=True):
    """Raw rules of every notebook's NetworkPolicy."""

    ingress: tuple[dict[str, Any], ...] = ()
    egress: tuple[dict[str, Any], ...] = ()


class Cull(_Section, frozen=True):
    """When servers stop by themselves; seconds. The hub reads the same section."""

    enabled: bool = True
    timeout: int = 3600  # without anything that runs; a size may have its own
    max_age: int = 0  # whatever runs; 0: no limit
    keep_at_most: int = 86_400  # how long a person may have a server kept at a time


class Settings(_Section, frozen=True):
    """Everything an administrator decides about notebooks."""

    namespace: str
    home: Home = Home()
    notebook: NotebookDefaults = NotebookDefaults()
    projects: Projects = Projects()
    backup: Backup = Backup()
    identity: Identity = Identity()
    network: Network = Network()
    cull: Cull = Cull()

    def without_snapshots(self) -> Self:
        """The same, for a cluster that has no snapshots."""
        backup = msgspec.structs.replace(self.backup, snapshots=Snapshots.NEVER)
        return msgspec.structs.replace(self, backup=backup)


def load(path: Path) -> Settings:
    """Read the settings file; SettingsError says what is wrong with it."""
    try:
        return _decoded(path.read_bytes())
    except OSError as error:
        message = f"The settings file {path} can't be read: {error.strerror}"
        raise SettingsError(message) from error
    except SettingsError as error:
        message = f"The settings file {path} can't be used: {error}"
        raise SettingsError(message) from error


def parse(content: object) -> Settings:
    """Turn the content of a settings file into a value; SettingsError says what is wrong with it."""
    try:
        return msgspec.convert(content, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(str(error)) from error


def _decoded(content: bytes) -> Settings:
    try:
        return parse(msgspec.yaml.decode(content))
    except msgspec.DecodeError as error:
        message = f"it is not YAML: {error}"
        raise SettingsError(message) from error
