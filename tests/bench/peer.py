"""The peer: a plain JupyterHub with KubeSpawner on the same cluster, with the same notebook image and size."""

import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.cluster import KUBECTL, Kubectl, Object, Platform

ROOT = Path(__file__).parents[2]
UV = ROOT / ".venv" / "bin" / "uv"
NAMESPACE = "peer"
ACCOUNT = "kubespawner"

_CONFIG = """
import os
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.hub_bind_url = "http://:8081"
c.JupyterHub.hub_connect_url = f"http://{os.environ['POD_IP']}:8081"
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:8001"
c.ConfigurableHTTPProxy.auth_token = os.environ["TOKEN"]
c.JupyterHub.services = [{"name": "bench", "api_token": os.environ["TOKEN"]}]
c.JupyterHub.load_roles = [{"name": "bench", "services": ["bench"], "scopes": ["admin:users", "admin:servers"]}]
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.KubeSpawner.image = os.environ["NOTEBOOK_IMAGE"]
c.KubeSpawner.image_pull_policy = "IfNotPresent"
c.KubeSpawner.cpu_guarantee, c.KubeSpawner.cpu_limit = 0.1, 1
c.KubeSpawner.mem_guarantee, c.KubeSpawner.mem_limit = "512M", "2G"
c.KubeSpawner.uid = c.KubeSpawner.gid = c.KubeSpawner.fs_gid = 1000
c.KubeSpawner.storage_pvc_ensure = True
c.KubeSpawner.storage_capacity = "1Gi"
c.KubeSpawner.volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}]
c.KubeSpawner.volume_mounts = [{"name": "home", "mountPath": "/home/carrel"}]
"""

# Runs inside the cluster, for either hub: a start and a stop, each until the hub says that it is done, in milliseconds.
_ROUND = """
import json, sys, time
from urllib.error import HTTPError
from urllib.request import Request, urlopen
api, token, user, *options = sys.argv[1:]
def ask(method, path, body=None):
    request = Request(f"{api}/users/{user}{path}", method=method, headers={"Authorization": f"token {token}"}, data=body)
    try:
        with urlopen(request, timeout=180) as answer:
            content = answer.read()
    except HTTPError as error:
        if error.code == 409 and not path:
            return {}
        raise SystemExit(f"{method} {path}: {error.code} {error.read()}")
    return json.loads(content) if content else {}
def until(done):
    while not done(ask("GET", "").get("servers", {}).get("", {})):
        time.sleep(0.02)
ask("POST", "")
began = time.time()
ask("POST", "/server", "".join(options).encode() or None)
until(lambda server: server.get("ready"))
started = time.time()
time.sleep(float(2))
stopping = time.time()
ask("DELETE", "/server")
until(lambda server: not server.get("ready") and not server.get("pending"))
print(json.dumps([(started - began) * 1000, (time.time() - stopping) * 1000]))
"""


class Peer:
    """A running one; it starts servers of either hub, seen from the same place."""

    def __init__(self, platform: Platform, uid: str, token: str) -> None:
        self._platform, self.uid, self._token = platform, uid, token

    def round(self, user: str) -> tuple[float, float]:
        """Milliseconds until a server of KubeSpawner's was ready, and until it was gone."""
        return self._run("http://127.0.0.1:8081/hub/api", self._token, user)

    def our_round(self, user: str) -> tuple[float, float]:
        """The same of a server of Carrel's."""
        options = json.dumps({"instance_type": "small"})
        return self._run("http://hub.carrel.svc:8081/hub/api", self._platform.token, user, options)

    def _run(self, *arguments: str) -> tuple[float, float]:
        command = [str(KUBECTL), "--kubeconfig", self._platform.kubeconfig, "-n", NAMESPACE]
        command += ["exec", "-i", "peer", "-c", "hub", "--", "python", "-", *arguments]
        done = subprocess.run(command, input=_ROUND, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        start, stop = json.loads(done.stdout)
        return start, stop


@contextmanager
def running(platform: Platform, kube: Kubectl) -> Iterator[Peer]:
    """Install what requirements/peer.lock names beside the cluster, and run it in a namespace of its own."""
    packages = Path(platform.kubeconfig).parent / "peer"
    _install(packages)
    token = secrets.token_hex(16)
    images = {part: _image_of(kube, part) for part in ("hub", "proxy")}
    [notebook] = [
        each["spec"]["image"] for each in kube.items("notebookimages") if each["spec"].get("default")
    ]
    objects = _objects(packages, token, notebook, images)
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    there = Kubectl(platform.kubeconfig, NAMESPACE)
    try:
        there.apply({"apiVersion": "v1", "kind": "List", "items": objects})
        there("wait", "--for=condition=Ready", "pod/peer", "--timeout=120s")
        pod = there.get("pod", "peer")
        assert pod
        yield Peer(platform, pod["metadata"]["uid"], token)
    finally:
        kube("delete", "namespace", NAMESPACE, timeout=180)
        shutil.rmtree(packages)


def _install(packages: Path) -> None:
    """For the hub image's Python, which need not be this one; its kubernetes client must not come near kopf's."""
    command = [str(UV), "pip", "install", "--quiet", "--target", str(packages), "--python-version", "3.13"]
    command += ["--only-binary", ":all:", "--require-hashes", "-r", str(ROOT / "requirements" / "peer.lock")]
    subprocess.run(command, check=True)


def _image_of(kube: Kubectl, component: str) -> str:
    deployment = kube.get("deployment", component)
    assert deployment
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def _objects(packages: Path, token: str, notebook: str, images: dict[str, str]) -> list[Object]:
    account = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}
    metadata = {"name": "peer", "namespace": NAMESPACE}
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": ACCOUNT, "namespace": NAMESPACE},
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": role,
            "subjects": [account],
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"config.py": _CONFIG}},
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": _pod(packages, token, notebook, images),
        },
    ]


def _pod(packages: Path, token: str, notebook: str, images: dict[str, str]) -> Object:
    address = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    values = {"PYTHONPATH": "/peer", "TOKEN": token, "NOTEBOOK_IMAGE": notebook}
    ports = ["--ip=", "--port=8000", "--api-ip=127.0.0.1", "--api-port=8001"]
    return {
        "serviceAccountName": ACCOUNT,
        "terminationGracePeriodSeconds": 1,
        "containers": [
            {
                "name": "hub",
                "image": images["hub"],
                "command": ["python", "-m", "jupyterhub", "-f", "/etc/peer/config.py"],
                "workingDir": "/tmp",  # noqa: S108 - the pod's own
                "env": [address, *({"name": name, "value": value} for name, value in values.items())],
                "readinessProbe": {
                    "httpGet": {"path": "/hub/health", "port": 8081},
                    "periodSeconds": 1,
                    "failureThreshold": 60,
                },
                "volumeMounts": [
                    {"name": "packages", "mountPath": "/peer", "readOnly": True},
                    {"name": "config", "mountPath": "/etc/peer"},
                ],
            },
            {
                "name": "proxy",
                "image": images["proxy"],
                "args": [*ports, "--default-target=http://127.0.0.1:8081"],
                "env": [{"name": "CONFIGPROXY_AUTH_TOKEN", "value": token}],
            },
        ],
        "volumes": [
            {"name": "packages", "hostPath": {"path": str(packages), "type": "Directory"}},
            {"name": "config", "configMap": {"name": "peer"}},
        ],
    }
