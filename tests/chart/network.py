"""Who may open a connection to whom, by the rendered NetworkPolicies: what a plugin that enforces them would say."""

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

import yaml

from chart.rendering import NAMESPACE, Manifest, Rendered


@dataclass(frozen=True)
class Party:
    """One end of a connection; without labels it is outside the cluster, or on a node."""

    address: str
    labels: dict[str, str] = field(default_factory=dict)
    namespace: str = ""


@dataclass(frozen=True)
class Network:
    """The policies of one rendering, with those that the operator makes for notebooks.

    Plugins differ in whether an ipBlock also means pods with such an address: Calico's do, Cilium's do not.
    """

    policies: tuple[Manifest, ...]
    blocks_mean_pods: bool

    def allows(self, source: Party, target: Party, port: int) -> bool:
        return self._passes(source, target, port, "egress", "to") and self._passes(
            target, source, port, "ingress", "from"
        )

    def _passes(self, here: Party, there: Party, port: int, direction: str, side: str) -> bool:
        applying = [
            each["spec"]
            for each in self.policies
            if here.namespace == NAMESPACE
            and direction.capitalize() in each["spec"]["policyTypes"]
            and _selects(each["spec"]["podSelector"], here.labels)
        ]
        rules = [rule for spec in applying for rule in spec.get(direction, [])]
        return not applying or any(
            self._is_meant(rule.get(side), there) and _has_port(rule.get("ports"), port) for rule in rules
        )

    def _is_meant(self, peers: list[dict[str, Any]] | None, party: Party) -> bool:
        return not peers or any(self._is(peer, party) for peer in peers)

    def _is(self, peer: dict[str, Any], party: Party) -> bool:
        if block := peer.get("ipBlock"):
            address = ip_address(party.address)
            excepted = any(address in ip_network(each) for each in block.get("except", []))
            within = address in ip_network(block["cidr"]) and not excepted
            return within and (self.blocks_mean_pods or not party.labels)
        if "namespaceSelector" in peer:
            names = {"kubernetes.io/metadata.name": party.namespace}
            return _selects(peer["namespaceSelector"], names) and _selects(
                peer.get("podSelector", {}), party.labels
            )
        return party.namespace == NAMESPACE and _selects(peer["podSelector"], party.labels)


def _selects(selector: Manifest, labels: dict[str, str]) -> bool:
    return selector.get("matchLabels", {}).items() <= labels.items()


def _has_port(ports: list[dict[str, Any]] | None, port: int) -> bool:
    return not ports or any(each["port"] == port for each in ports)


def network_of(rendered: Rendered, *, blocks_mean_pods: bool) -> Network:
    """The policies of the chart, and one as the operator would make it for every notebook."""
    rules = yaml.safe_load(rendered.of_kind("ConfigMap")["operator"]["data"]["settings.yaml"])["network"]
    notebooks = {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "notebook"}},
        "policyTypes": ["Ingress", "Egress"],
        **rules,
    }
    policies = (*rendered.of_kind("NetworkPolicy").values(), {"spec": notebooks})
    return Network(policies, blocks_mean_pods)
