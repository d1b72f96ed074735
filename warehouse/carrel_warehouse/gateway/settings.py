"""The settings are read once, from the file the chart writes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from carrel_operator.api import Body, Budget, InvalidObjectError
from carrel_operator.api.reading import mapping

_KNOWN = {"namespace", "upstream", "project", "pricePerTib", "currency", "budget", "people", "data"}


class SettingsError(ValueError):
    """The settings can't be used; the message names the key and what it should be."""


@dataclass(frozen=True)
class Settings:
    """Everything the gateway is told.

    `upstream` is where the warehouse answers, without a path; `project` is who pays where a call names nobody else;
    `budget` is each person's, `people` those of some by name.
    """

    namespace: str
    upstream: str
    project: str
    price_per_tib: float = 6.25
    currency: str = "$"
    budget: Budget = field(default_factory=Budget)
    people: dict[str, Budget] = field(default_factory=dict)
    data: Path = Path("/data")
    port: int = 9060
    internal_port: int = 9061

    def budget_of(self, person: str) -> Budget:
        """What one person may read; what their own entry leaves out is everybody's."""
        own = self.people.get(person, Budget())
        day = self.budget.bytes_per_day if own.bytes_per_day is None else own.bytes_per_day
        query = self.budget.bytes_per_query if own.bytes_per_query is None else own.bytes_per_query
        return Budget(day, query)


def load(path: Path) -> Settings:
    """Read the settings file.

    Raises:
        SettingsError: it can't be read or used; the message says what is wrong with it.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"The settings file {path} can't be read: {error}") from error
    return parse(content)


def parse(content: Any) -> Settings:  # noqa: ANN401 whatever is in the file
    """The settings in the content of a file.

    Raises:
        SettingsError: a key is missing, unknown or can't work; the message names it.
    """
    if not isinstance(content, dict):
        raise SettingsError("The settings must be a mapping.")
    if unknown := sorted(content.keys() - _KNOWN):
        raise SettingsError(f"The settings have the key {unknown[0]}, which is not known.")
    for name in ("namespace", "upstream", "project"):
        if not content.get(name):
            raise SettingsError(f"The settings need {name}.")
    upstream = str(content["upstream"]).rstrip("/")
    parts = urlsplit(upstream)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
        raise SettingsError(f"upstream is '{upstream}'; write http(s)://host[:port], without a path.")
    defaults = Settings(namespace="", upstream="", project="")
    try:
        people = {name: Budget.parse(mapping(each, name, "people.")) for name, each in _people(content)}
        budget = Budget.parse(content.get("budget") or {})
    except InvalidObjectError as error:
        raise SettingsError(str(error).replace("spec.warehouse.", "")) from error
    return Settings(
        namespace=str(content["namespace"]),
        upstream=upstream,
        project=str(content["project"]),
        price_per_tib=float(content.get("pricePerTib", defaults.price_per_tib)),
        currency=str(content.get("currency", defaults.currency)),
        budget=budget,
        people=people,
        data=Path(content.get("data", defaults.data)),
    )


def _people(content: dict[str, Any]) -> list[tuple[str, Body]]:
    return [(str(name), {str(name): each}) for name, each in (content.get("people") or {}).items()]
