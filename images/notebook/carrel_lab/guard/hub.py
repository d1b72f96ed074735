"""The server's own size, as the hub's API tells and changes it."""

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

_SECONDS = 10.0


@dataclass
class HubError(Exception):
    """The hub said no, or nothing; ``message`` is a sentence for the person."""

    status: int
    message: str

    def __str__(self) -> str:
        return self.message


class Hub:
    """Asks with the server's own token; every call blocks, so none is made in an event loop."""

    def __init__(self, url: str, token: str, user: str, server: str) -> None:
        place = f"servers/{quote(server, safe='')}" if server else "server"
        self._server = f"{url.rstrip('/')}/users/{quote(user, safe='@~')}/{place}"
        self._token = token

    @classmethod
    def from_environment(cls) -> "Hub | None":
        """As JupyterHub says it to every server; None for a JupyterLab without a hub."""
        url, token, user, server = (
            os.environ.get(f"JUPYTERHUB_{name}", "")
            for name in ("API_URL", "API_TOKEN", "USER", "SERVER_NAME")
        )
        return cls(url, token, user, server) if url and token and user else None

    def sizes(self) -> dict[str, Any]:
        """The size that this server has, and those that it may have."""
        return self._ask("GET", "/size")

    def change(self, size: str) -> dict[str, Any]:
        """Give this server another size."""
        return self._ask("PATCH", "", {"instance_type": size})

    def restart(self, size: str = "") -> dict[str, Any]:
        """Stop this server and start it again."""
        return self._ask("PATCH", "", {"restart": True} | ({"instance_type": size} if size else {}))

    def keep(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Have this server kept although nothing runs: ``keep_for`` or ``keep_until``, null for no longer."""
        return self._ask("PATCH", "", wish)

    def activity(self, report: dict[str, Any]) -> dict[str, Any]:
        """Tell what runs; the answer is when the server stops."""
        return self._ask("POST", "/activity", report)

    def warehouse(self) -> dict[str, Any]:
        """As whom the warehouse knows this server, and which datasets its projects give."""
        return self._ask("GET", "/warehouse")

    def report(self, report: dict[str, Any]) -> None:
        """Tell what is in use."""
        self._ask("POST", "/report", report)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the address is JupyterHub's, always http or https
            self._server + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                content = answer.read()
        except urllib.error.HTTPError as error:
            raise HubError(error.code, _message(error)) from error
        except OSError as error:
            message = "The hub does not answer; the server goes on as it is. Try again in a minute."
            raise HubError(HTTPStatus.BAD_GATEWAY, message) from error
        found: dict[str, Any] = json.loads(content) if content else {}
        return found


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["message"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"The hub answered {error.code} {error.reason}."
