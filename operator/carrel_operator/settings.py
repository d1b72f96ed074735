"""The operator's configuration: read once at start into a frozen value that is passed on.

The file is YAML with the keys of these classes in camelCase; an unknown key, a missing one and a value of
another type are errors that name the key, because a misspelt setting that is quietly ignored is worse than a
start that fails.
"""

import dataclasses
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import yaml


class SettingsError(ValueError):
    """The settings file can't be used; the message names the key and what it should be."""


class IdentityMode(StrEnum):
    """How a notebook proves to the warehouse whose it is."""

    NONE = "none"
    FEDERATED = "federated"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Home:
    """The claim that holds a person's files."""

    size: str = "10Gi"
    storage_class: str | None = None
    keep: bool = True


@dataclass(frozen=True, slots=True)
class NotebookDefaults:
    """What every notebook pod has in common."""

    port: int = 8888
    user: int = 1000
    termination_grace_period_seconds: int = 10
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    priority_class_name: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """How a notebook gets into the warehouse without a key."""

    mode: IdentityMode = IdentityMode.NONE
    audience: str = ""
    token_expiration_seconds: int = 3600
    credentials_config_map: str = "warehouse-credentials"
    project: str = ""
    service_account_annotations: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
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


@dataclass(frozen=True, slots=True)
class Network:
    """Raw rules of every notebook's NetworkPolicy."""

    ingress: tuple[Mapping[str, Any], ...] = ()
    egress: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an administrator decides about notebooks."""

    namespace: str
    home: Home = field(default_factory=Home)
    notebook: NotebookDefaults = field(default_factory=NotebookDefaults)
    identity: Identity = field(default_factory=Identity)
    network: Network = field(default_factory=Network)


def load(path: Path) -> Settings:
    """Read the settings file; SettingsError says what is wrong with it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"The settings file {path} can't be read: {error.strerror}"
        raise SettingsError(message) from error
    except yaml.YAMLError as error:
        message = f"The settings file {path} is not YAML: {error}"
        raise SettingsError(message) from error
    return parse(content)


def parse(content: object) -> Settings:
    """Turn the content of a settings file into a value; SettingsError says what is wrong with it."""
    settings = _value(Settings, content, "")
    assert isinstance(settings, Settings)  # noqa: S101 - _value returns what it was asked for
    return settings


def _value(expected: Any, value: object, where: str) -> object:  # noqa: ANN401, PLR0911 - one return per shape
    origin = get_origin(expected)
    if origin is types.UnionType:
        return None if value is None else _value(get_args(expected)[0], value, where)
    if dataclasses.is_dataclass(expected):
        return _section(typing.cast("type", expected), value, where)
    if expected is Any:
        return value
    if origin is tuple:
        items = _checked(list, value, where)
        return tuple(
            _value(get_args(expected)[0], each, f"{where}[{index}]") for index, each in enumerate(items)
        )
    if origin is Mapping:
        pairs = _checked(dict, value, where)
        return {key: _value(get_args(expected)[1], each, f"{where}.{key}") for key, each in pairs.items()}
    if isinstance(expected, type) and issubclass(expected, StrEnum):
        if value in set(expected):
            return expected(str(value))
        message = f"{where} must be one of {', '.join(expected)}"
        raise SettingsError(message)
    return _checked(expected, value, where)


def _section(cls: type, value: object, where: str) -> object:
    content = _checked(dict, value if value is not None else {}, where or "The settings file")
    hints = get_type_hints(cls)
    keys = {_camel_case(each.name): each for each in dataclasses.fields(cls)}
    prefix = f"{where}." if where else ""
    if unknown := sorted(str(key) for key in content.keys() - keys.keys()):
        message = f"{prefix}{unknown[0]} is not a setting; there are {', '.join(keys)}"
        raise SettingsError(message)
    for key, each in keys.items():
        required = each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
        if required and key not in content:
            message = f"{prefix}{key} is missing"
            raise SettingsError(message)
    return cls(
        **{keys[key].name: _value(hints[keys[key].name], each, prefix + key) for key, each in content.items()}
    )


def _checked(expected: type, value: Any, where: str) -> Any:  # noqa: ANN401 - YAML gives values of any type
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        words = {
            str: "a text",
            int: "a whole number",
            bool: "true or false",
            list: "a list",
            dict: "a mapping",
        }
        message = f"{where} must be {words[expected]}"
        raise SettingsError(message)
    return value


def _camel_case(name: str) -> str:
    return re.sub(r"_(.)", lambda match: match.group(1).upper(), name)
