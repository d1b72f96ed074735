"""What the tests of a running platform hold in their hands: kubectl, the hub's REST API, and people who come and go."""

import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from carrel_operator import names

KUBECTL = Path(__file__).parents[2] / ".venv" / "bin" / "kubectl"
NAMESPACE = "carrel"
MISSING = "needs a running platform: make test starts one and sets CARREL_URL, CARREL_TOKEN and KUBECONFIG"
Object = dict[str, Any]


def eventually(describe: str, probe: Callable[[], Any], seconds: float, every: float = 0.25) -> Any:
    """The first true answer of ``probe``; fails with the last answer when none came in time."""
    deadline = time.monotonic() + seconds
    while not (seen := probe()):
        if time.monotonic() > deadline:
            pytest.fail(f"Not within {seconds} s: {describe}. Last seen: {seen!r}")
        time.sleep(every)
    return seen


@dataclass(frozen=True)
class Platform:
    """Where the platform under test is, and the keys to it."""

    url: str
    token: str
    kubeconfig: str
    instance: str

    @classmethod
    def from_environment(cls) -> "Platform | None":
        if "CARREL_URL" not in os.environ:
            return None
        wanted = [os.environ.get(key, "") for key in ("CARREL_URL", "CARREL_TOKEN", "KUBECONFIG")]
        if not all(wanted):
            pytest.fail(
                "CARREL_URL, CARREL_TOKEN and KUBECONFIG must all be set: the platform did not start well."
            )
        return cls(wanted[0].rstrip("/"), *wanted[1:], instance=os.environ.get("CARREL_INSTANCE", "carrel"))

    @property
    def audit_log(self) -> Path:
        """What hub and operator asked of the API server; only a cluster that carrel_local made has it."""
        return Path(self.kubeconfig).parent / "logs" / "audit.log"


class KubectlError(Exception):
    """What kubectl complained of."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl as a person would use it, in the release's namespace if no other is named."""

    kubeconfig: str
    namespace: str = NAMESPACE

    def __call__(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        done = subprocess.run(
            [str(KUBECTL), "--kubeconfig", self.kubeconfig, "-n", self.namespace, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode:
            raise KubectlError(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def get(self, kind: str, name: str) -> Object | None:
        """The object, or None when there is none."""
        found = self("get", kind, name, "-o", "json", "--ignore-not-found")
        return json.loads(found) if found else None

    def items(self, kinds: str, selector: str = "") -> list[Object]:
        chosen = ["-l", selector] if selector else []
        return json.loads(self("get", kinds, "-o", "json", *chosen))["items"]

    def apply(self, thing: Object) -> None:
        self("apply", "-f", "-", stdin=json.dumps(thing))

    def raw(self, path: str) -> str:
        return self("get", "--raw", path)


@dataclass
class Person:
    """A user of the hub made for one test, with what the cluster holds for them."""

    name: str
    hub: httpx.Client
    kube: Kubectl
    url: str
    servers: set[str] = field(default_factory=set)

    def path(self, server: str = "") -> str:
        return f"/users/{quoted(self.name)}/servers/{server}"

    def ask(self, server: str = "", **options: str | bool) -> httpx.Response:
        """Ask for a server, and take whatever answer comes."""
        self.servers.add(server)
        return self.hub.post(self.path(server), json={"instance_type": "small", **options})

    def start(self, server: str = "", **options: str | bool) -> None:
        """Ask for a server and wait until it is ready."""
        answer = self.ask(server, **options)
        assert answer.status_code in {201, 202}, answer.text
        self.start_is_over(server)

    def start_is_over(self, server: str = "") -> None:
        """Wait until a start that was asked for has ended well."""
        eventually(f"{self.name}'s server {server!r} ready", lambda: self.is_ready(server), 60)

    def settle(self, server: str = "") -> None:
        """Wait until the operator has said its last word about a start."""

        def said() -> bool:
            conditions = self.conditions(server)
            return bool(conditions) and all(each["status"] == "True" for each in conditions.values())

        eventually(f"{self.name}'s conditions are all true", said, 30)

    def conditions(self, server: str = "") -> dict[str, Object]:
        """What the operator says of a server, by the condition's type."""
        found = (self.notebook(server) or {}).get("status", {}).get("conditions", ())
        return {each["type"]: each for each in found}

    def identity(self) -> Object:
        """The condition IdentityReady of the default server; empty when nothing is said of it."""
        return self.conditions().get("IdentityReady", {})

    def state(self, server: str = "") -> Object:
        """What the hub says of a server; empty when it is not there."""
        return self.hub.get(f"/users/{quoted(self.name)}").json().get("servers", {}).get(server, {})

    def progress(self, seconds: float) -> list[Object]:
        """Every event of the default server's start, to its end."""
        path = f"/users/{quoted(self.name)}/server/progress"
        with self.hub.stream("GET", path, timeout=seconds) as events:
            return [json.loads(line[5:]) for line in events.iter_lines() if line.startswith("data:")]

    def is_ready(self, server: str = "") -> bool:
        return bool(self.state(server).get("ready"))

    def stop(self, server: str = "") -> None:
        answer = self.hub.delete(self.path(server))
        assert answer.status_code in {202, 204, 404}, answer.text
        self.eventually_stopped(server)

    def eventually_stopped(self, server: str = "") -> None:
        def stopped() -> bool:
            state = self.state(server)
            return not state.get("ready") and not state.get("pending")

        eventually(f"{self.name}'s server {server!r} stopped", stopped, 90)

    def web(self, path: str, method: str = "GET", server: str = "", **more: Any) -> httpx.Response:
        """A request to the person's own server, through the proxy."""
        middle = f"{server}/" if server else ""
        return self.hub.request(method, f"{self.url}/user/{quoted(self.name)}/{middle}{path}", **more)

    def answers(self, server: str = "") -> bool:
        try:
            return self.web("api/status", server=server).status_code == 200
        except httpx.HTTPError:
            return False

    def notebook(self, server: str = "") -> Object | None:
        return self.kube.get("notebook", names.notebook(self.name, server))

    def pod(self, server: str = "") -> Object | None:
        return self.kube.get("pod", names.pod(names.notebook(self.name, server)))

    def pod_uid(self, server: str = "") -> str:
        pod = self.pod(server)
        assert pod, f"{self.name} has no pod for server {server!r}"
        return pod["metadata"]["uid"]

    def versions(self) -> dict[str, str]:
        """The resource version of every object that the platform holds for the person."""
        kinds = "notebooks,pods,services,secrets,networkpolicies,serviceaccounts,persistentvolumeclaims"
        mine = [thing for thing in self.kube.items(kinds) if self.owns(thing)]
        return {f"{o['kind']}/{o['metadata']['name']}": o["metadata"]["resourceVersion"] for o in mine}

    def owns(self, thing: Object) -> bool:
        meta, slug = thing["metadata"], names.slug(self.name)
        return (
            thing.get("spec", {}).get("owner") == self.name
            or meta.get("labels", {}).get("carrel.dev/user") == slug
        )

    def python(self, code: str, server: str = "", timeout: float = 120) -> str:
        """Run Python in the person's running notebook, as the person would."""
        pod = names.pod(names.notebook(self.name, server))
        return self.kube(
            "exec", "-i", pod, "-c", "notebook", "--", "python3", "-", stdin=code, timeout=timeout
        )

    def remove(self) -> None:
        """Take away everything, the home too."""
        for server in self.servers:
            self.hub.request("DELETE", self.path(server), json={"remove": bool(server)})
        for server in self.servers:
            eventually("no server left", lambda name=server: not self.state(name).get("pending"), 90)
        self.hub.delete(f"/users/{quoted(self.name)}")
        for server in self.servers:
            self.kube("delete", "notebook", names.notebook(self.name, server), "--ignore-not-found")
        home = names.home(self.name)
        self.kube("delete", "persistentvolumeclaim", home, "--ignore-not-found", "--wait=false")


def restart(kube: Kubectl, component: str) -> None:
    """Delete a component's pod and wait for the next one to be ready."""
    before = kube.items("pods", f"app.kubernetes.io/component={component}")
    kube("delete", "pod", *(pod["metadata"]["name"] for pod in before), "--wait=true")
    kube("rollout", "status", "deployment", component, "--timeout=120s")


def quoted(name: str) -> str:
    """A name as part of an address, escaped as JupyterHub and browsers do."""
    return quote(name, safe="@~")


def unique(stem: str) -> str:
    """A name that no other test has."""
    return f"{stem}-{secrets.token_hex(3)}"
