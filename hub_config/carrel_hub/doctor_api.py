"""The hub's REST API of the doctor: of the whole install for administrators, of one server for whoever may see it."""

import base64
import json
from pathlib import Path
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_path_join
from tornado.httpclient import HTTPError
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from carrel_hub import doctor
from carrel_hub.api import SERVERS, OfServer
from carrel_hub.cluster_view import ClusterView
from carrel_hub.findings import FAILED, SKIPPED, UNKNOWN, Finding, of_server
from carrel_hub.notebooks import shared
from carrel_hub.refusal import unavailable
from carrel_hub.spawner import NotebookSpawner
from carrel_operator import names
from carrel_operator.api import Body, Notebook
from carrel_operator.cluster_errors import ClusterError, ForbiddenError
from carrel_operator.settings import Settings

_OWN_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_SECONDS = 30.0
_MOST_BYTES = 256 * 1024
_INSIDE = ("warehouse", "gateway")


class InstallHandler(APIHandler):  # type: ignore[misc]  # JupyterHub publishes no types
    """``/api/carrel/doctor``."""

    @needs_scope("admin:servers")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Look at the whole install."""
        view = shared(NotebookSpawner(config=self.settings["config"]).namespace).view
        try:
            found = await _of_install(view)
        except ClusterError as error:
            raise unavailable(error) from error
        self.write(_answer(found))


class ServerDoctorHandler(OfServer):
    """``…/doctor``: what the hub sees of a server, then what the server sees of itself."""

    @needs_scope("read:servers", "servers")  # type: ignore[untyped-decorator]
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Look at one server."""
        spawner = self.spawner(user_name, server_name)
        try:
            found = await _of_server(spawner)
        except ClusterError as error:
            raise unavailable(error) from error
        self.write(_answer([*found, *await self._inside(spawner)]))

    async def _inside(self, spawner: NotebookSpawner) -> list[Finding]:
        if not spawner.ready:
            message = "The server does not run: start it, and its own links are looked at too."
            return [Finding("inside", SKIPPED, message)]
        # what the caller may do, and nothing else: the token is for this one server, and gone afterwards
        scope = f"access:servers!server={spawner.user.name}/{spawner.name}"
        try:
            secret = self.current_user.new_api_token(note="carrel doctor", expires_in=60, scopes=[scope])
        except ValueError:  # JupyterHub's word for a right that one does not have
            message = "You may not open this server, so its own links were not looked at."
            return [Finding("inside", SKIPPED, message)]
        try:
            return of_server(await _asked(url_path_join(spawner.server.url, "carrel/doctor"), secret))
        except (HTTPError, OSError, ValueError) as error:
            return [Finding("inside", UNKNOWN, f"The server was asked and did not answer ({error}).")]
        finally:
            if token := orm.APIToken.find(self.db, secret):
                self.db.delete(token)
                self.db.commit()


class WarehouseHandler(OfServer):
    """``…/warehouse``: as whom a server is known there, and which datasets its projects give."""

    @needs_scope("read:servers", "servers")  # type: ignore[untyped-decorator]
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Answer with both."""
        spawner = self.spawner(user_name, server_name)
        try:
            notebook = await spawner.view.get(spawner.notebook_name)
            found, _ = await _settings(spawner.view)
            release = found.identity.project if found else ""
            nothing: dict[str, Any] = {"principal": "", "datasets": []}
            projects = await spawner.view.all_projects()
            self.write(json.dumps(doctor.warehouse(notebook, projects, release) if notebook else nothing))
        except ClusterError as error:
            raise unavailable(error) from error


async def _of_install(view: ClusterView) -> list[Finding]:
    settings, first = await _settings(view)
    found = [first, doctor.issuer(await view.issuer(), _issuer_of_token())]
    if settings:
        config_map = await _read(view, "ConfigMap", settings.identity.credentials_config_map)
        found.append(doctor.credentials(config_map, settings))
    for name in _INSIDE:
        body = await _read(view, "Deployment", name)
        if runs := doctor.deployment(name, body, view.namespace):
            found.append(runs)
    found += doctor.identities(await view.all())
    return [*found, *doctor.grants(await view.all_projects(), view.namespace)]


async def _of_server(spawner: NotebookSpawner) -> list[Finding]:
    view = spawner.view
    notebook = await view.get(spawner.notebook_name)
    found = [doctor.state(notebook)]
    if notebook is None:
        return found
    settings, first = await _settings(view)
    found += [first] if first.state == FAILED else []
    return [*found, *await _of_children(view, notebook, settings)]


async def _of_children(view: ClusterView, notebook: Notebook, settings: Settings | None) -> list[Finding]:
    project = view.project(notebook.project)
    name = doctor.account_of(notebook, project)
    account = await _read(view, "ServiceAccount", name)
    policy = await _read(view, "NetworkPolicy", names.network_policy(notebook.name))
    mine = [project] if project else []
    return [
        doctor.account(name, account, notebook, settings),
        doctor.policy(policy, notebook, settings),
        *doctor.grants(mine, view.namespace),
    ]


async def _settings(view: ClusterView) -> tuple[Settings | None, Finding]:
    return doctor.read_settings(await _read(view, "ConfigMap", "operator"), view.namespace)


async def _read(view: ClusterView, kind: str, name: str) -> Body | None:
    """What the chart lets the hub read; of what it does not, nothing is known, which is as good as not there."""
    try:
        return await view.look_at(kind, name)
    except ForbiddenError:
        return None


async def _asked(url: str, secret: str) -> Any:  # noqa: ANN401 - whatever the server sent
    client = SimpleAsyncHTTPClient(force_instance=True, max_body_size=_MOST_BYTES)
    try:
        headers = {"Authorization": f"token {secret}"}
        answer = await client.fetch(url, headers=headers, request_timeout=_SECONDS, follow_redirects=False)
        return json.loads(answer.body)
    finally:
        client.close()


def _issuer_of_token() -> str:
    try:
        _, claims, _ = _OWN_TOKEN.read_text(encoding="ascii").split(".")
        return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iss"])
    except (OSError, ValueError, KeyError):
        return ""


def _answer(found: list[Finding]) -> str:
    return json.dumps({"findings": [each.body() for each in found]})


HANDLERS = [
    (r"/api/carrel/doctor", InstallHandler),
    *((f"{path}/doctor", ServerDoctorHandler) for path in SERVERS),
    *((f"{path}/warehouse", WarehouseHandler) for path in SERVERS),
]
