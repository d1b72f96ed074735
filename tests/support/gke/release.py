"""A release of Carrel of its own, with the values for GKE: ``warehouse.mode=google`` and ``access=metadata``.

What Helm makes of the chart is applied as it is, but for the addresses of Google's services, which lead to stand-ins in
the same namespace.
"""

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import yaml

from chart.rendering import CHART, Manifest, helm_program
from support.cluster import KUBECTL, Kubectl, Person, eventually, restart, unique
from support.free_port import free_port
from support.gke import metadata
from support.hub import hub_answers, hub_client

PROJECT = "carrel-demo"
POOL = "//iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/carrel"
AUDIENCE = f"{POOL}/providers/cluster"
LENT = f"notebooks@{PROJECT}.iam.gserviceaccount.com"
SUBJECT = f"principal:{POOL}/subject/system:serviceaccount"

_ASKS_IT = ("operator", "auditor")
_OF_NOTEBOOKS = ("operator", "warehouse-credentials")
# Google's services, and what of the stand-in's is in their place
_GOOGLE = {
    "https://bigquery.googleapis.com": "",
    "https://sts.googleapis.com": "/sts",
    "https://iamcredentials.googleapis.com": "",
}


@dataclass
class Gke:
    """The release, and people in it."""

    kube: Kubectl
    hub: httpx.Client
    url: str
    values: dict[str, Any]
    images: dict[str, str]

    @property
    def namespace(self) -> str:
        return self.kube.namespace

    @property
    def warehouse(self) -> str:
        """Where Google is."""
        return f"http://warehouse.{self.namespace}.svc:9050"

    def install(self, **google: Any) -> None:
        """Install it with that ``warehouse.google``."""
        for each in self._rendered(google):
            self._apply(each)

    def configure(self, **google: Any) -> None:
        """Have notebooks started with another ``warehouse.google`` from now on; all else has no part in it."""
        for each in self._rendered(google):
            if each["kind"] == "ConfigMap" and each["metadata"]["name"] in _OF_NOTEBOOKS:
                self._apply(each)
        restart(self.kube, "operator")

    def metadata_server(self, mode: str = "pod") -> None:
        """Let it say who the pod is, not at once (``late``), or who the node is, as in a pool that is not at GKE_METADATA
        (``node``).
        """
        environment = {
            "NAMESPACE": self.namespace,
            "PROJECT": PROJECT,
            "WAREHOUSE": self.warehouse,
            "AUDIENCE": AUDIENCE,
            "MODE": mode,
        }
        for each in metadata.manifests(self.namespace, environment, self.images["gateway"]):
            self.kube.apply(each)
        self.kube("rollout", "status", "deployment/metadata", "--timeout=120s", timeout=140)

    def stand_in(self, *lent_to: str) -> None:
        """Google itself; ``lent_to`` are the ServiceAccounts that may act as the Google service account."""
        warehouse = {"mode": "standIn", "standIn": {"image": _image(self.images["warehouse"])}}
        for each in _rendered(self.namespace, {**self.values, "warehouse": warehouse}):
            if each["metadata"]["labels"].get("app.kubernetes.io/component") != "warehouse":
                continue
            if each["kind"] == "Deployment":
                self._be_google(each["spec"]["template"]["spec"]["containers"][0]["env"], lent_to)
            self.kube.apply(each)
        self.kube("rollout", "status", "deployment/warehouse", "--timeout=180s", timeout=200)

    def _be_google(self, environment: list[dict[str, Any]], lent_to: tuple[str, ...]) -> None:
        subject = f"{SUBJECT}:{self.namespace}"
        changes = {
            "CARREL_AUDIENCE": AUDIENCE,
            "CARREL_ADMINISTRATORS": f"{subject}:operator,{subject}:auditor",
            "CARREL_SERVICE_ACCOUNTS": json.dumps({LENT: [f"{subject}:{each}" for each in lent_to]}),
        }
        environment[:] = [each for each in environment if each["name"] not in changes]
        environment += [{"name": name, "value": value} for name, value in changes.items()]

    def person(self, name: str) -> Person:
        answer = self.hub.post(f"/users/{name}")
        assert answer.status_code == 201, answer.text
        return Person(name, self.hub, self.kube, self.url)

    def _rendered(self, google: dict[str, Any]) -> list[Manifest]:
        warehouse = {**self.values["warehouse"], "google": google}
        return _rendered(self.namespace, {**self.values, "warehouse": warehouse})

    def _apply(self, thing: Manifest) -> None:
        self.kube(
            *("apply", "--server-side", "--force-conflicts", "-f", "-"), stdin=json.dumps(self._here(thing))
        )

    def _here(self, thing: Manifest) -> Manifest:
        """The same with addresses that exist here."""
        text = json.dumps(thing)
        for address, path in _GOOGLE.items():
            text = text.replace(address, self.warehouse + path)
        found: Manifest = json.loads(text)
        if found["kind"] == "Deployment" and found["metadata"]["name"] in _ASKS_IT:
            for container in found["spec"]["template"]["spec"]["containers"]:
                there = {"BIGQUERY_EMULATOR_HOST": self.warehouse, **_where(self.namespace)}
                container["env"] += [{"name": name, "value": value} for name, value in there.items()]
        return found


@contextmanager
def release(kube: Kubectl) -> Iterator[Gke]:
    """Install it beside the platform under test, whose images and sizes it uses, and take it away."""
    own = Kubectl(kube.kubeconfig, unique("gke"))
    kube("create", "namespace", own.namespace)
    try:
        port, token, images = free_port(), secrets.token_hex(16), _images(kube)
        url = f"http://127.0.0.1:{port}"
        hub = hub_client(url, token)
        gke = Gke(own, hub, url, _values(own.namespace, images, token), images)
        gke.install(access="metadata", principal=f"{SUBJECT}:{{namespace}}:{{serviceAccount}}")
        gke.metadata_server()
        gke.stand_in()
        for name in ("gateway", "operator", "hub", "proxy"):
            own("rollout", "status", f"deployment/{name}", "--timeout=180s", timeout=200)
        with _forwarded(own, port), hub:
            eventually("the hub answers", lambda: hub_answers(hub), 60)
            yield gke
    finally:
        _remove(kube, own)


@contextmanager
def _forwarded(kube: Kubectl, port: int) -> Iterator[None]:
    command = [str(KUBECTL), "--kubeconfig", kube.kubeconfig, "-n", kube.namespace, "port-forward"]
    with subprocess.Popen(
        [*command, "service/proxy-public", f"{port}:80"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        yield
        process.terminate()


def _remove(kube: Kubectl, own: Kubectl) -> None:
    """The operator lets Projects go while it is there; then everything, what is the cluster's too."""
    own("delete", "projects,notebooks", "--all", "--timeout=60s")
    kube("delete", "namespace", own.namespace, "--wait=false")
    kinds = "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings"
    found = [f"{each['kind']}/{each['metadata']['name']}" for each in kube.items(kinds)]
    ours = [each for each in found if each.partition("/")[2].startswith(f"{own.namespace}-")]
    kube("delete", *ours)


def _images(kube: Kubectl) -> dict[str, str]:
    deployments = kube.items("deployments", "app.kubernetes.io/name=carrel")
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]["image"]
        for each in deployments
    }


def _image(reference: str) -> dict[str, str]:
    name, _, tag = reference.rpartition(":")
    return {"name": name, "tag": tag}


def _values(namespace: str, images: dict[str, str], token: str) -> dict[str, Any]:
    """What the chart is told; sizes and images are the cluster's, and another release's already."""
    return {
        "hub": {
            "image": _image(images["hub"]),
            "config": {"JupyterHub": {"authenticator_class": "null"}},
            "services": {"tests": {"admin": True, "apiToken": token}},
        },
        "proxy": {"image": _image(images["proxy"])},
        "operator": {"image": _image(images["operator"])},
        "notebook": {"home": {"size": "1Gi"}, "environment": _where(namespace)},
        "instanceTypes": dict.fromkeys(("small", "medium", "large")),
        "images": {"datascience": None},
        "warehouse": {
            "mode": "google",
            "project": PROJECT,
            "gateway": {"image": _image(images["gateway"])},
        },
    }


def _where(namespace: str) -> dict[str, str]:
    """Where google-auth finds the metadata server, which it would look for at metadata.google.internal."""
    host = f"{metadata.NAME}.{namespace}.svc"
    return {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host}


def _rendered(namespace: str, values: dict[str, Any]) -> list[Manifest]:
    done = subprocess.run(
        [helm_program(), "template", "carrel", str(CHART), f"--namespace={namespace}", "--values=-"],
        input=yaml.safe_dump(values),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    objects = [each for each in yaml.safe_load_all(done.stdout) if each]
    return [each for each in objects if "helm.sh/hook" not in each["metadata"].get("annotations", {})]
