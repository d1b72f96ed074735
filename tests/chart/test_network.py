"""Every connection that Carrel needs is let through where NetworkPolicies bite, and those it fears are not."""

from collections.abc import Callable

import pytest

from chart.network import Party, network_of
from chart.rendering import NAMESPACE, Rendered


def _component(name: str, address: str) -> Party:
    labels = {
        "app.kubernetes.io/name": "carrel",
        "app.kubernetes.io/instance": "carrel",
        "app.kubernetes.io/component": name,
    }
    return Party(address, labels, NAMESPACE)


def _pod(address: str, namespace: str = NAMESPACE, **labels: str) -> Party:
    return Party(address, {f"app.kubernetes.io/{key}": value for key, value in labels.items()}, namespace)


PARTIES = {
    **{
        name: _component(name, f"10.244.0.{number}")
        for number, name in enumerate(
            ("hub", "proxy", "operator", "identity", "warehouse", "gateway"), start=2
        )
    },
    "notebook": _pod("10.244.0.20", name="notebook"),
    "backup": _pod("10.244.0.22", name="backup"),
    "other notebook": _pod("10.244.0.21", name="notebook"),
    "service of the hub": Party("10.244.0.30", {"hub.jupyter.org/network-access-hub": "true"}, NAMESPACE),
    "pod next door": _pod("10.244.0.31", name="something"),
    "pod elsewhere": _pod("10.244.0.32", namespace="default", name="notebook"),
    "dns": _pod("10.244.0.40", namespace="kube-system", name="coredns"),
    "dns on the node": Party("10.231.0.2"),
    "api server": Party("10.231.0.2"),
    "database at home": Party("10.1.2.3"),
    "metadata server": Party("169.254.169.254"),
    "world": Party("203.0.113.7"),
}

NEEDED = [
    ("world", "proxy", 8000),
    ("world", "identity", 8080),
    ("proxy", "hub", 8081),
    ("proxy", "notebook", 8888),
    ("hub", "proxy", 8001),
    ("hub", "notebook", 8888),
    ("hub", "identity", 8080),
    ("hub", "api server", 6443),
    ("hub", "dns", 53),
    ("hub", "world", 443),
    ("service of the hub", "hub", 8081),
    ("operator", "api server", 6443),
    ("operator", "dns on the node", 53),
    ("warehouse", "api server", 6443),
    ("warehouse", "dns", 53),
    ("notebook", "hub", 8081),
    ("notebook", "warehouse", 9050),
    ("notebook", "gateway", 9060),
    ("gateway", "warehouse", 9050),
    ("gateway", "api server", 6443),
    ("gateway", "dns", 53),
    ("notebook", "dns", 53),
    ("notebook", "dns on the node", 53),
    ("notebook", "world", 443),
    ("notebook", "world", 22),
]

FEARED = [
    ("notebook", "other notebook", 8888),
    ("notebook", "other notebook", 22),
    ("notebook", "proxy", 8001),
    ("notebook", "operator", 8080),
    ("notebook", "identity", 8080),
    ("notebook", "warehouse", 9150),
    ("notebook", "gateway", 9061),
    ("pod next door", "gateway", 9060),
    ("pod next door", "gateway", 9061),
    ("world", "gateway", 9060),
    ("gateway", "world", 80),
    ("gateway", "notebook", 8888),
    ("notebook", "pod next door", 80),
    ("notebook", "api server", 6443),
    ("notebook", "database at home", 5432),
    ("notebook", "metadata server", 80),
    ("notebook", "metadata server", 988),
    ("backup", "world", 443),
    ("backup", "hub", 8081),
    ("backup", "api server", 6443),
    ("backup", "dns", 53),
    ("notebook", "backup", 22),
    ("pod next door", "backup", 22),
    ("pod next door", "hub", 8081),
    ("pod next door", "proxy", 8001),
    ("pod next door", "notebook", 8888),
    ("pod next door", "warehouse", 9050),
    ("pod elsewhere", "notebook", 8888),
    ("pod elsewhere", "hub", 8081),
    ("world", "notebook", 8888),
    ("world", "hub", 8081),
    ("world", "proxy", 8001),
    ("world", "warehouse", 9050),
    ("identity", "world", 443),
    ("hub", "warehouse", 9050),
    ("proxy", "api server", 6443),
    ("warehouse", "world", 80),
]


@pytest.fixture(scope="module")
def local(render: Callable[..., Rendered]) -> Rendered:
    return render("local")


@pytest.mark.parametrize(("source", "target", "port"), NEEDED)
def test_needed(local: Rendered, source: str, target: str, port: int) -> None:
    network = network_of(local, blocks_mean_pods=False)
    assert network.allows(PARTIES[source], PARTIES[target], port)


@pytest.mark.parametrize(("source", "target", "port"), FEARED)
def test_feared(local: Rendered, source: str, target: str, port: int) -> None:
    network = network_of(local, blocks_mean_pods=True)
    assert not network.allows(PARTIES[source], PARTIES[target], port)


def test_backups_in_an_object_store_reach_it_and_nothing_else(render: Callable[..., Rendered]) -> None:
    network = network_of(render("everything"), blocks_mean_pods=True)
    for target, port, reaches in (
        ("world", 443, True),
        ("dns", 53, True),
        ("world", 22, False),
        ("hub", 8081, False),
        ("database at home", 443, False),
        ("metadata server", 80, False),
    ):
        assert network.allows(PARTIES["backup"], PARTIES[target], port) is reaches, target


def test_a_metadata_server_is_open_to_notebooks_only_where_it_gives_them_their_identity(
    render: Callable[..., Rendered],
) -> None:
    network = network_of(render("gke-metadata"), blocks_mean_pods=False)
    assert network.allows(PARTIES["notebook"], PARTIES["metadata server"], 80)
    assert not network.allows(PARTIES["proxy"], PARTIES["metadata server"], 80)
