"""The settings are read once, from the environment the chart writes."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Everything the auditor is told; `project` is who pays where no Project says otherwise."""

    namespace: str
    warehouse: str
    gateway: str
    project: str
    every_seconds: float = 600.0
    port: int = 8080


def parse(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment.

    Raises:
        ValueError: a variable is missing or can't work; the message is a sentence.
    """
    names = ("CARREL_NAMESPACE", "CARREL_WAREHOUSE", "CARREL_GATEWAY", "CARREL_PROJECT")
    if missing := [name for name in names if not environment.get(name)]:
        raise ValueError(f"The environment variable {missing[0]} is not set.")
    every = float(environment.get("CARREL_AUDIT_SECONDS", Settings.every_seconds))
    if not every > 0:
        raise ValueError("CARREL_AUDIT_SECONDS must be more than 0.")
    namespace, warehouse, gateway, project = (environment[name].rstrip("/") for name in names)
    return Settings(namespace, warehouse, gateway, project, every)
