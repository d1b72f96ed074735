"""The people of the demonstration, and a way in for scripts."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from .instance import Instance
from .kubernetes import Cluster
from .problem import Problem


@dataclass(frozen=True)
class Person:
    """Somebody to sign in as."""

    name: str
    groups: tuple[str, ...]


PEOPLE = {
    "ada": Person("Ada Lovelace", ("analysts",)),
    "alan": Person("Alan Turing", ("analysts",)),
    "grace": Person("Grace Hopper", ("platform-admins",)),
}
ADMIN = "grace"
# The hub's service that `token` uses to make a token in the admin's name.
SERVICE = "carrel-local"


def passwords(here: Instance) -> dict[str, str]:
    """Everybody's password, made once per instance."""
    file = here.state / "passwords.json"
    if file.exists():
        kept: dict[str, str] = json.loads(file.read_text())
        return kept
    made = {person: secrets.token_urlsafe(9) for person in PEOPLE}
    write_private(file, json.dumps(made))
    return made


def users(known: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """The people as the chart's values know them, with their passwords."""
    return {
        person: {
            "name": about.name,
            "email": f"{person}@example.org",
            "password": known[person],
            "groups": list(about.groups),
        }
        for person, about in PEOPLE.items()
    }


def write_private(file: Path, text: str) -> None:
    """Whole or not at all, and readable by root only."""
    half = file.with_name(f"{file.name}.half")
    half.unlink(missing_ok=True)
    half.touch(mode=0o600)
    half.write_text(text)
    half.replace(file)


def token(here: Instance, cluster: Cluster) -> str:
    """An API token of the demo admin; the last one as long as the hub still takes it.

    Raises:
        Problem: the hub does not answer, or refuses.
    """
    file = here.state / "token"
    try:
        with httpx.Client(base_url=f"{here.hub_url}/hub/api", timeout=30, trust_env=False) as hub:
            if file.exists() and _is_taken(hub, kept := file.read_text()):
                return kept
            made = _make_token(hub, service_token(cluster))
    except httpx.HTTPStatusError as error:
        raise Problem(f"The hub refused to make a token: {error.response.text}") from error
    except httpx.HTTPError as error:
        raise Problem(f"The hub at {here.hub_url} does not answer ({error}): run 'make status'.") from error
    write_private(file, made)
    return made


def _is_taken(hub: httpx.Client, candidate: str) -> bool:
    return hub.get("/user", headers={"Authorization": f"token {candidate}"}).status_code == httpx.codes.OK


def _make_token(hub: httpx.Client, service: str) -> str:
    headers = {"Authorization": f"token {service}"}
    created = hub.post(f"/users/{ADMIN}", headers=headers, json={})
    if created.status_code not in (httpx.codes.CREATED, httpx.codes.CONFLICT):
        created.raise_for_status()
    # She is an admin by her group, which the hub learns at her first sign-in; scripts come before that.
    hub.patch(f"/users/{ADMIN}", headers=headers, json={"admin": True}).raise_for_status()
    answer = hub.post(
        f"/users/{ADMIN}/tokens", headers=headers, json={"note": "make token"}
    ).raise_for_status()
    made: str = answer.json()["token"]
    return made


def service_token(cluster: Cluster) -> str:
    """The hub service's own token, which the chart keeps in the hub's Secret.

    Raises:
        Problem: there is none, because Carrel is not installed.
    """
    data = cluster.get("secret", "hub", "--namespace=carrel").get("data", {})
    encoded = data.get(f"hub.services.{SERVICE}.apiToken")
    if encoded is None:
        raise Problem("Carrel is not installed in this cluster yet: run 'make up'.")
    return base64.b64decode(encoded).decode()
