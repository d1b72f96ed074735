"""The settings are read once, from the environment the chart writes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Everything the stand-in is told.

    `audience` names this exchange as Google's name a provider: `//host/path`. A cluster's token must be made for the
    same name with `https:` in front, which is Google's default too. `administrators` are principals or addresses.
    `service_accounts` are Google service accounts by their address, each with the principals that may act as it.
    `clock_ahead` is in seconds, and for trying a wrong clock.
    """

    project: str
    audience: str
    email_domain: str
    namespace: str
    emulator: str = "http://127.0.0.1:9150"
    issuer: str | None = None
    administrators: frozenset[str] = frozenset()
    service_accounts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    api_server: str = "https://kubernetes.default.svc"
    service_account: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    data: Path = Path("/data/stand-in")
    port: int = 9050
    clock_ahead: int = 0

    @property
    def token_audience(self) -> str:
        """The audience a cluster's token must have."""
        return f"https:{self.audience}"


def parse(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment.

    Raises:
        ValueError: a variable is missing or can't work; the message is a sentence.
    """
    wanted = ("CARREL_PROJECT", "CARREL_AUDIENCE", "CARREL_EMAIL_DOMAIN", "CARREL_NAMESPACE")
    if missing := [name for name in wanted if not environment.get(name)]:
        raise ValueError(f"The environment variable {missing[0]} is not set.")
    audience = environment["CARREL_AUDIENCE"]
    if not audience.startswith("//"):
        raise ValueError(
            f"CARREL_AUDIENCE must begin with // like a provider's name, and {audience!r} doesn't."
        )
    defaults = Settings(project="", audience="", email_domain="", namespace="")
    return Settings(
        project=environment["CARREL_PROJECT"],
        audience=audience,
        email_domain=environment["CARREL_EMAIL_DOMAIN"],
        namespace=environment["CARREL_NAMESPACE"],
        emulator=environment.get("CARREL_EMULATOR", defaults.emulator),
        issuer=environment.get("CARREL_ISSUER"),
        administrators=_listed(environment.get("CARREL_ADMINISTRATORS", "")),
        service_accounts=_service_accounts(environment.get("CARREL_SERVICE_ACCOUNTS", "{}")),
        api_server=environment.get("CARREL_API_SERVER", defaults.api_server),
        service_account=Path(environment.get("CARREL_SERVICE_ACCOUNT", defaults.service_account)),
        data=Path(environment.get("CARREL_DATA", defaults.data)),
        port=int(environment.get("CARREL_PORT", defaults.port)),
        clock_ahead=int(environment.get("CARREL_CLOCK_AHEAD_SECONDS", defaults.clock_ahead)),
    )


def _listed(text: str) -> frozenset[str]:
    return frozenset(filter(None, map(str.strip, text.split(","))))


def _service_accounts(text: str) -> dict[str, frozenset[str]]:
    try:
        return {address: frozenset(principals) for address, principals in json.loads(text).items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(
            f'CARREL_SERVICE_ACCOUNTS must be JSON such as {{"ADDRESS": ["PRINCIPAL"]}}, and {text!r} is not.'
        ) from error
