"""A real hub in a process of its own, before an API server that this test plays: pages and rights without a cluster."""

import asyncio
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml

from support.cluster import eventually
from support.free_port import free_port
from support.hub import hub_answers
from unit.hub import kubernetes_api
from unit.hub.kubernetes_api import KubernetesApi

T = TypeVar("T")

_REPOSITORY = Path(__file__).parents[2]
# No proxy: browsers come to the hub itself, and nobody opens a server.
_EXTRA = """
from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    routes = {}
    should_start = False
    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}
    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)
    async def get_all_routes(self):
        return self.routes

c.JupyterHub.proxy_class = NoProxy
"""


@dataclass(frozen=True)
class OwnHub:
    """Where it is, and the cluster that it sees."""

    url: str
    token: str
    _api: KubernetesApi
    _loop: asyncio.AbstractEventLoop

    def cluster(self, change: Callable[[KubernetesApi], T]) -> T:
        """Change what the hub sees, as the operator or an administrator would."""

        async def do() -> T:
            return change(self._api)

        return asyncio.run_coroutine_threadsafe(do(), self._loop).result(10)

    def client(self, token: str = "") -> httpx.Client:
        """The hub's API, as the administrator or as whoever owns the token."""
        return httpx.Client(
            base_url=f"{self.url}/hub/api",
            headers={"Authorization": f"token {token or self.token}"},
            timeout=20,
            trust_env=False,
        )

    def token_of(self, name: str) -> str:
        """A token of somebody, who comes to be with it."""
        with self.client() as client:
            client.post(f"/users/{name}")
            token: str = client.post(f"/users/{name}/tokens", json={}).json()["token"]
            return token


@contextmanager
def served(folder: Path, groups: dict[str, Any], admins: list[str], usage_url: str = "") -> Iterator[OwnHub]:
    """Start both, and end both."""
    with _api() as (api, loop):
        port, token = free_port(), secrets.token_hex(16)
        _configure(folder, port, token, groups, admins, usage_url=usage_url)
        kubeconfig = {
            "clusters": [{"name": "own", "cluster": {"server": api.url}}],
            "users": [{"name": "hub", "user": {}}],
            "contexts": [{"name": "own", "context": {"cluster": "own", "user": "hub"}}],
            "current-context": "own",
        }
        (folder / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
        hub = OwnHub(f"http://127.0.0.1:{port}", token, api, loop)
        with _process(folder), hub.client() as client:
            eventually("the hub answers", lambda: hub_answers(client), 120)
            yield hub


@contextmanager
def _api() -> Iterator[tuple[KubernetesApi, asyncio.AbstractEventLoop]]:
    """The API server in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    serving = kubernetes_api.served()
    try:
        yield asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result(10), loop
    finally:
        asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def _process(folder: Path) -> Iterator[None]:
    environment = {
        **os.environ,
        "CARREL_HUB_VALUES": str(folder),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "PYTHONPATH": os.pathsep.join(str(_REPOSITORY / each) for each in ("hub_config", "operator")),
    }
    config = _REPOSITORY / "hub_config" / "jupyterhub_config.py"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "carrel_hub", "--config", str(config)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def _configure(
    folder: Path, port: int, token: str, groups: dict[str, Any], admins: list[str], *, usage_url: str
) -> None:
    here = f"http://127.0.0.1:{port}"
    config = {
        "JupyterHub": {
            "authenticator_class": "dummy",
            "bind_url": here,
            "hub_bind_url": here,
            "hub_connect_url": here,
            "load_groups": groups,
        },
        "Authenticator": {"allow_all": True, "admin_users": admins},
        "NotebookSpawner": {"http_timeout": 2},
    }
    values = {
        "hub": {
            "config": config,
            "extraConfig": {"no-proxy": _EXTRA},
            "services": {"tests": {"apiToken": token, "admin": True}},
            "db": {"type": "other", "url": f"sqlite:///{folder}/hub.sqlite"},
        },
        "usage": {"url": usage_url},
    }
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    (folder / "hub.config.JupyterHub.cookie_secret").write_text(secrets.token_hex(32))
    (folder / "hub.config.CryptKeeper.keys").write_text(secrets.token_hex(32))
