"""Start clicked until the server is ready, in turns with a bare pod of the same image, command and volumes."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from lightkube import Client, KubeConfig
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Pod

from support import cpu
from support.cluster import NAMESPACE, Kubectl, Object, Person, Platform, eventually
from support.figures import half, percentile, report

from .conftest import Prober, component_uid

pytestmark = [pytest.mark.cluster, pytest.mark.bench]

NAME = "bench-bare"


@dataclass(frozen=True)
class Start:
    """Times in milliseconds."""

    to_port: float
    to_ready: float
    boot_cpu: float | None
    hub_cpu: float
    operator_cpu: float

    @property
    def tail(self) -> float:
        return self.to_ready - self.to_port


class BarePod:
    """What no spawner can beat: the same pod, made by hand, and nobody who waits for it but a loop."""

    def __init__(self, client: Client, template: Object) -> None:
        self._client = client
        spec: dict[str, Any] = {**template["spec"]}
        for field in ("nodeName", "affinity", "tolerations", "priority"):
            spec.pop(field, None)
        # Nobody's server may query, so it would wait for that in vain.
        patience = {"name": "CARREL_IDENTITY_PATIENCE", "value": "0"}
        spec["containers"] = [
            {**each, "env": [*each.get("env", ()), patience]} for each in template["spec"]["containers"]
        ]
        self._body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": NAME, "labels": {"app": NAME}},
            "spec": spec,
        }

    def start(self) -> str:
        """The uid of the new pod."""
        return str(self._client.create(Pod.from_dict(self._body)).metadata.uid)

    def address(self) -> str:
        """The pod's own, as soon as it has one: no Service stands in between."""
        return str(eventually("an address", lambda: self._client.get(Pod, NAME).status.podIP, 60, every=0.02))

    def remove(self) -> None:
        self._client.delete(Pod, NAME)
        eventually("the bare pod gone", self._is_gone, 60)

    def _is_gone(self) -> bool:
        try:
            self._client.get(Pod, NAME)
        except ApiError as error:
            return error.status.code == 404
        return False


@pytest.fixture
def bare_pod(person: Callable[..., Person], platform: Platform) -> Iterator[BarePod]:
    model = person()
    model.start()
    template = model.pod()
    model.stop()
    assert template
    config = KubeConfig.from_file(platform.kubeconfig)
    with Client(config=config, namespace=NAMESPACE) as client:
        yield BarePod(client, template)
        with contextlib.suppress(ApiError):  # gone already
            client.delete(Pod, NAME)


def test_start_beside_a_bare_pod(
    person: Callable[..., Person], kube: Kubectl, prober: Prober, bare_pod: BarePod, rounds: int
) -> None:
    ada = person()
    ada.start()  # the home is made once
    notebook = ada.notebook()
    assert notebook
    address = notebook["status"]["url"].removeprefix("http://").partition(":")[0]
    ada.stop()
    ours, floor, floor_cpu = [], [], []
    for _ in range(rounds):
        ours.append(one_start(ada, kube, prober, address))
        ada.stop()
        began = time.time()
        uid = bare_pod.start()
        prober.watch(bare_pod.address())
        floor.append((prober.opened() - began) * 1000)
        floor_cpu.append(cpu.milliseconds(uid) or 0.0)
        bare_pod.remove()
    show(ours, floor, floor_cpu)


def one_start(somebody: Person, kube: Kubectl, prober: Prober, address: str) -> Start:
    parts = {name: component_uid(kube, name) for name in ("hub", "operator")}
    before = {name: cpu.milliseconds(uid) or 0.0 for name, uid in parts.items()}
    began = time.time()
    prober.watch(address)
    answer = somebody.ask()
    if answer.status_code == 202:
        eventually("the server ready", somebody.is_ready, 120, every=0.02)
    ready = time.time()
    after = {name: cpu.milliseconds(uid) or 0.0 for name, uid in parts.items()}
    return Start(
        to_port=(prober.opened() - began) * 1000,
        to_ready=(ready - began) * 1000,
        boot_cpu=cpu.milliseconds(somebody.pod_uid()),
        hub_cpu=after["hub"] - before["hub"],
        operator_cpu=after["operator"] - before["operator"],
    )


def show(ours: list[Start], floor: list[float], floor_cpu: list[float]) -> None:
    ready, port, tail = ([getattr(each, name) for each in ours] for name in ("to_ready", "to_port", "tail"))
    base = half(floor)

    def row(title: str, values: list[float], theirs: object = None) -> tuple[object, ...]:
        return (title, half(values), percentile(values, 95), half(values) / base, theirs)

    report(
        f"Start, one at a time, {len(ours)} rounds in turns, ms",
        ("", "p50", "p95", "p50 / floor", "KubeSpawner 7.1, another run: p50 / p95"),
        [
            row("bare pod: create → port open (floor)", floor, "2939 / 3738"),
            row("ours: POST → port open", port),
            row("ours: POST → ready", ready, "4610 / 7488, 1.57 times its floor"),
            row("ours: port open → ready (hub tail)", tail, "1517 / 4029"),
        ],
    )
    report(
        "CPU of a start, ms",
        ("", "p50", "p95", "KubeSpawner"),
        [
            ("hub", half([e.hub_cpu for e in ours]), percentile([e.hub_cpu for e in ours], 95), "180"),
            (
                "operator",
                half([e.operator_cpu for e in ours]),
                percentile([e.operator_cpu for e in ours], 95),
                None,
            ),
            (
                "the pod, until ready",
                half([e.boot_cpu or 0.0 for e in ours]),
                percentile([e.boot_cpu or 0.0 for e in ours], 95),
                "2409 (plain JupyterLab)",
            ),
            ("the bare pod, until its port is open", half(floor_cpu), percentile(floor_cpu, 95), None),
        ],
    )
