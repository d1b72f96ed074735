"""The hub's API for one person's servers, with nothing but the standard library."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

_SECONDS = 30.0

Answer = dict[str, Any]


@dataclass
class HubError(Exception):
    """The hub said no, or nothing; ``message`` is a sentence for the person."""

    message: str
    status: int = 0

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Server:
    """Whose server, and which; the default one has no name."""

    user: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.user}/{self.name}" if self.name else self.user

    @classmethod
    def parse(cls, text: str) -> "Server":
        """``user`` or ``user/server``."""
        user, _, name = text.partition("/")
        if not user:
            message = f"'{text}' names no server: say USER or USER/SERVER."
            raise HubError(message)
        return cls(user, name)


class Hub:
    """Asks with a token; every call blocks."""

    def __init__(self, api: str, token: str, own: Server | None = None) -> None:
        self._api = api.rstrip("/")
        self._token = token
        self._own = self._inside = own

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Hub":
        """By CARREL_URL and CARREL_TOKEN, else as JupyterHub tells every server, so that it works in a notebook."""
        url, token = environment.get("CARREL_URL", ""), environment.get("CARREL_TOKEN", "")
        if url and token:
            if not url.startswith(("http://", "https://")):
                message = f"CARREL_URL must begin with http:// or https://, and is '{url}'."
                raise HubError(message)
            return cls(f"{url.rstrip('/')}/hub/api", token)
        inside = [environment.get(f"JUPYTERHUB_{name}", "") for name in ("API_URL", "API_TOKEN", "USER")]
        if all(inside) and not url and not token:
            api, token, user = inside
            return cls(api, token, Server(user, environment.get("JUPYTERHUB_SERVER_NAME", "")))
        message = (
            "Set CARREL_URL to the address of Carrel, and CARREL_TOKEN to a token from its Token page "
            "(<CARREL_URL>/hub/token)."
        )
        raise HubError(message)

    def own(self) -> Server:
        """The server that the command runs in, else the default one of the token's owner."""
        if self._own is None:
            user = self._ask("GET", "/user").get("name")
            if not isinstance(user, str) or not user:
                message = "The token belongs to no person: say whose server is meant, as USER or USER/SERVER."
                raise HubError(message)
            self._own = Server(user)
        return self._own

    def is_inside(self, server: Server) -> bool:
        """Whether the command runs in that server, and would end with it."""
        return server == self._inside

    def sizes(self, server: Server) -> Answer:
        """The size that the server has, those it may have, and how far a change is."""
        return self._ask("GET", f"{_path(server)}/size")

    def change(self, server: Server, size: str) -> Answer:
        """Give the server another size."""
        return self._ask("PATCH", _path(server), {"instance_type": size})

    def keep(self, server: Server, duration: str | None) -> Answer:
        """Have the server kept for so long although nothing runs, or no longer."""
        return self._ask("PATCH", _path(server), {"keep_for": duration})

    def restart(self, server: Server, size: str = "") -> Answer:
        """Stop the server and start it again, in another size if one is named."""
        asked: Answer = {"restart": True}
        return self._ask("PATCH", _path(server), asked | ({"instance_type": size} if size else {}))

    def state(self, server: Server) -> Answer:
        """What JupyterHub says of the server; empty while it neither runs nor starts."""
        servers = self._ask("GET", f"/users/{_quoted(server.user)}").get("servers") or {}
        found: Answer = servers.get(server.name) or {}
        return found

    def doctor(self, server: Server) -> Answer:
        """Every link between a server and the warehouse."""
        return self._ask("GET", f"{_path(server)}/doctor")

    def doctor_of_all(self) -> Answer:
        """Whether the whole install fits together; for administrators."""
        return self._ask("GET", "/carrel/doctor")

    def project(self, name: str) -> Answer:
        """How a project is."""
        return self._ask("GET", f"/projects/{_quoted(name)}")

    def repair(self, name: str) -> Answer:
        """Have a project's files mended."""
        return self._ask("POST", f"/projects/{_quoted(name)}/repair", {})

    def usage(self, since: str) -> Answer:
        """What was used since a day, or since the first of this month."""
        return self._ask("GET", f"/carrel/usage?since={_quoted(since)}")

    def backups(self, server: Server) -> Answer:
        """The backups of the home and of projects, and what goes on with restores."""
        return self._ask("GET", f"{_path(server)}/backups")

    def restore(self, server: Server, path: str, as_of: str, project: str) -> Answer:
        """Ask for a file or a folder to be brought back."""
        return self._ask(
            "POST", f"{_path(server)}/restores", {"path": path, "as_of": as_of, "project": project}
        )

    def restored(self, server: Server, name: str) -> Answer:
        """How far a restore is."""
        return self._ask("GET", f"{_path(server)}/restores/{_quoted(name)}")

    def _ask(self, method: str, path: str, body: Answer | None = None) -> Answer:
        request = urllib.request.Request(  # noqa: S310 - from_environment lets in http and https only
            self._api + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                found: Answer = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise HubError(_sentence(error), error.code) from error
        except OSError as error:
            message = f"{self._api} does not answer ({error}). Look at the address, or try again in a minute."
            raise HubError(message) from error
        except ValueError as error:
            message = f"{self._api} does not answer like a hub. Look at CARREL_URL."
            raise HubError(message) from error
        return found


def _path(server: Server) -> str:
    user = f"/users/{_quoted(server.user)}"
    return f"{user}/servers/{_quoted(server.name)}" if server.name else f"{user}/server"


def _quoted(name: str) -> str:
    return quote(name, safe="@~")


def _sentence(error: urllib.error.HTTPError) -> str:
    try:
        said = str(json.loads(error.read())["message"])
    except (OSError, ValueError, KeyError, TypeError):
        said = f"The hub answered {error.code} {error.reason}."
    if error.code in {401, 403} and "token" in said.lower():
        said = f"{said.rstrip('.')}. Make a new token on the hub's Token page."
    return said
