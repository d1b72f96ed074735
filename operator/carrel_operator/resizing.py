"""Which sizes a running server can take on in place, and the sentence for those that need a restart.

Kubernetes changes CPU and memory of a running container; never its devices, its node or its class of quality of
service, and it takes no limit away.
"""

from collections.abc import Mapping
from decimal import Decimal

from carrel_operator import quantities
from carrel_operator.api import InstanceType

Resources = Mapping[str, Mapping[str, str]]

_IN_PLACE = frozenset({"cpu", "memory"})


def resources(size: InstanceType) -> dict[str, dict[str, str]]:
    """Requests and limits of a size, as a container asks for them."""
    requests = {"cpu": size.cpu.request, "memory": size.memory.request}
    limits = {"cpu": size.cpu.limit, "memory": size.memory.limit}
    if size.gpu:
        # extended resources are whole devices: what is asked for is what is given
        requests[size.gpu.resource] = limits[size.gpu.resource] = str(size.gpu.count)
    return {"requests": requests, "limits": limits}


def same(one: Resources, other: Resources) -> bool:
    """Whether these are the same amounts, however they are written (``1Gi`` and ``1024Mi``)."""
    return _amounts(one) == _amounts(other)


def in_place(size: InstanceType) -> dict[str, dict[str, str]]:
    """The part of a size that can be changed while the server runs."""
    return {
        part: {name: amount for name, amount in amounts.items() if name in _IN_PLACE}
        for part, amounts in resources(size).items()
    }


def needs_restart(current: InstanceType, wanted: InstanceType) -> str:
    """Why a server of size ``current`` must be restarted to become ``wanted``; empty when it need not be."""
    return restart_reason(resources(current), current.node_selector, wanted)


def restart_reason(running: Resources, node_selector: Mapping[str, str], wanted: InstanceType) -> str:
    """The same for a container that runs with these resources on a node chosen by these labels."""
    if _devices(running) != _devices(resources(wanted)):
        return "Graphics processors are given to a server when it starts: restart to apply."
    if not wanted.node_selector.items() <= node_selector.items():
        return "This size needs another kind of node: restart to move there."
    if _guaranteed(running) != _guaranteed(resources(wanted)):
        return "This size has another guarantee of CPU and memory, which a server is given when it starts: restart to apply."
    return ""


def _devices(of: Resources) -> dict[str, Decimal]:
    return {name: amount for name, amount in _amounts(of)["limits"].items() if name not in _IN_PLACE}


def _guaranteed(of: Resources) -> bool:
    """Whether Kubernetes' class is Guaranteed and not Burstable: every limit is promised."""
    amounts = _amounts(of)
    return all(amounts["requests"].get(name) == amounts["limits"].get(name) for name in _IN_PLACE)


def _amounts(of: Resources) -> dict[str, dict[str, Decimal]]:
    return {
        part: {name: quantities.number(str(amount)) for name, amount in of.get(part, {}).items()}
        for part in ("requests", "limits")
    }
