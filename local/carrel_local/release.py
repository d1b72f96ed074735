"""Carrel itself in a cluster: the custom resources, then the chart with values that fit where it runs."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from . import demo
from .commands import follow, run
from .daemons import HUB_NODE_PORT, IDENTITY_NODE_PORT
from .images import Image
from .instance import CACHE, Instance
from .kubernetes import Cluster
from .problem import Problem
from .progress import Step
from .repository import CHART

RELEASE = NAMESPACE = "carrel"
# Images that are on their way are there by then (seconds).
HOPELESS_AFTER = 60


def values(here: Instance, images: Mapping[str, Image], passwords: Mapping[str, str]) -> dict[str, Any]:
    """What the chart is told on this machine."""

    def image(name: str) -> dict[str, str]:
        return {"name": images[name].repository, "tag": images[name].key}

    return {
        "hub": {
            "image": image("hub"),
            "stuckTimeout": 25,
            "services": {demo.SERVICE: {"admin": True}},
        },
        "proxy": {
            "image": image("proxy"),
            "service": {"type": "NodePort", "nodePorts": {"http": HUB_NODE_PORT}},
        },
        "operator": {"image": image("operator")},
        "backup": {
            "enabled": True,
            "image": image("backup"),
            "volume": {"size": "10Gi"},
        },
        "notebook": {"home": {"maxSize": "20Gi"}},
        "images": {"datascience": {"image": images["notebook"].reference}},
        "identityProvider": {
            "enabled": True,
            "image": image("identity"),
            "publicUrl": here.identity_url,
            "hubUrl": here.hub_url,
            "users": demo.users(passwords),
            "service": {"type": "NodePort", "nodePorts": {"http": IDENTITY_NODE_PORT}},
        },
        "networkPolicy": {"dnsCidrs": [f"{here.node_address}/32"]},
        "warehouse": {
            "mode": "standIn",
            "tokenExpirationSeconds": 600,  # the least there is: what can't take a new token shows it soon
            "standIn": {"image": image("warehouse")},
            "gateway": {
                "image": image("gateway"),
                "budget": {"bytesPerDay": "10Gi", "bytesPerQuery": "2Gi"},
            },
        },
    }


def write_values(here: Instance, images: Mapping[str, Image]) -> Path:
    """The values in a file that only root reads: it holds the passwords."""
    file = here.state / "values.yaml"
    demo.write_private(file, yaml.safe_dump(values(here, images, demo.passwords(here))))
    return file


def install(cluster: Cluster, helm: Path, values_file: Path | None, step: Step) -> None:
    """Install or upgrade Carrel.

    Raises:
        Problem: Kubernetes or Helm refused.
    """
    step.say("custom resource definitions")
    cluster.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={CHART / 'crds'}")
    _forget_interrupted(cluster)
    arguments = [f"--values={values_file}"] if values_file else []
    follow(
        helm,
        *cluster.helm_arguments,
        "upgrade",
        "--install",
        RELEASE,
        CHART,
        f"--namespace={NAMESPACE}",
        "--create-namespace",
        "--skip-crds",
        "--force-conflicts",
        *arguments,
        log=CACHE / "logs" / "helm.log",
        each_line=step.say,
    )


def uninstall(cluster: Cluster, helm: Path) -> None:
    """Remove the release; the custom resources stay, and what people keep with them."""
    run(helm, *cluster.helm_arguments, "uninstall", RELEASE, f"--namespace={NAMESPACE}", "--ignore-not-found")


@dataclass(frozen=True)
class Part:
    """One Deployment of the release, for people."""

    name: str
    ready: int
    wanted: int
    image: str


def parts(cluster: Cluster) -> list[Part]:
    """What of Carrel runs in the cluster."""
    selector = f"--selector=app.kubernetes.io/instance={RELEASE}"
    found = cluster.get("deployments", f"--namespace={NAMESPACE}", selector).get("items", [])
    return [
        Part(
            item["metadata"]["name"],
            item.get("status", {}).get("readyReplicas", 0),
            item["spec"]["replicas"],
            item["spec"]["template"]["spec"]["containers"][0]["image"],
        )
        for item in found
    ]


def _forget_interrupted(cluster: Cluster) -> None:
    """Helm refuses for ever to continue an upgrade that was killed; without its note it starts from the last whole one."""
    selector = f"owner=helm,name={RELEASE},status in (pending-install,pending-upgrade,pending-rollback)"
    cluster.kubectl(
        "delete", "secret", f"--namespace={NAMESPACE}", f"--selector={selector}", "--ignore-not-found"
    )


def wait(cluster: Cluster, step: Step, patience: float = 600) -> None:
    """Return when every Deployment of the release runs its newest pods.

    Raises:
        Problem: one does not within `patience` seconds, or never will; with what its pods say.
    """
    began = time.monotonic()
    for part in parts(cluster):
        while not _rolls_out(cluster, part.name, step):
            pods, waited = _pods(cluster), time.monotonic() - began
            if waited > patience or (waited > HOPELESS_AFTER and lacks_an_image(pods)):
                raise Problem("\n".join([f"Carrel is not ready after {waited:.0f} s.", *complaints(pods)]))


def _rolls_out(cluster: Cluster, name: str, step: Step) -> bool:
    arguments = ("rollout", "status", f"deployment/{name}", f"--namespace={NAMESPACE}", "--timeout=15s")
    try:
        cluster.follow(*arguments, step=step, log="rollout")
    except Problem:
        return False
    return True


def lacks_an_image(pods: list[dict[str, Any]]) -> bool:
    """Whether an image cannot be had, which waiting does not mend."""
    statuses = [each for pod in pods for each in pod.get("status", {}).get("containerStatuses", [])]
    reasons = {each.get("state", {}).get("waiting", {}).get("reason") for each in statuses}
    return not reasons.isdisjoint(
        {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
    )


def _pods(cluster: Cluster) -> list[dict[str, Any]]:
    selector = f"--selector=app.kubernetes.io/instance={RELEASE}"
    found: list[dict[str, Any]] = cluster.get("pods", f"--namespace={NAMESPACE}", selector).get("items", [])
    return found


def complaints(pods: list[dict[str, Any]]) -> list[str]:
    """One line for each pod that is not ready: what it waits for or died of."""
    lines = []
    for pod in pods:
        status = pod.get("status", {})
        said = [
            condition.get("message", "")
            for condition in status.get("conditions", [])
            if condition["status"] == "False"
        ]
        states = [
            state for each in status.get("containerStatuses", []) for state in each.get("state", {}).values()
        ]
        said += [" ".join(filter(None, (state.get("reason"), state.get("message")))) for state in states]
        if any(said):
            lines.append(f"{pod['metadata']['name']}: {'; '.join(dict.fromkeys(filter(None, said)))}")
    return lines


def answers(url: str) -> bool:
    """Whether something answers there without a server error."""
    try:
        return httpx.get(url, timeout=5, follow_redirects=True, trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False


def wait_for_answer(url: str, patience: float = 60) -> None:
    """Return when something answers there.

    Raises:
        Problem: nothing does within `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while not answers(url):
        if time.monotonic() > deadline:
            raise Problem(f"{url} does not answer after {patience:.0f} s: 'make status' says what runs.")
        time.sleep(0.2)
