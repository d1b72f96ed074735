"""The table of the node's programs."""

from pathlib import Path

import pytest

from carrel_local.daemons import Daemon, daemons
from carrel_local.instance import Instance
from carrel_local.lifecycle import key

HERE = Instance("carrel", 0)
PROGRAMS = {
    name: Path("/programs") / name
    for name in ("kubernetes", "containerd", "coredns", "local-path-provisioner")
}


@pytest.fixture
def table() -> dict[str, Daemon]:
    return {daemon.name: daemon for daemon in daemons(HERE, PROGRAMS, "localhost/carrel-base:1")}


def test_nobody_waits_for_something_that_starts_later(table: dict[str, Daemon]) -> None:
    listeners = {
        "etcd": "127.0.0.1:2379",
        "containerd": str(HERE.containerd_socket),
        "kube-apiserver": "10.231.0.2:6443",
    }
    seen: set[str] = set()
    for daemon in table.values():
        assert not daemon.waits_for or daemon.waits_for in seen, daemon.name
        seen.add(listeners.get(daemon.name, ""))


def test_only_the_two_addresses_for_browsers_stand_on_the_machine_and_on_loopback(
    table: dict[str, Daemon],
) -> None:
    outside = {name: daemon.command[1] for name, daemon in table.items() if daemon.on_machine}
    assert outside.keys() == {"hub-address", "identity-address"}
    assert all(
        listen.startswith("TCP4-LISTEN:800") and "bind=127.0.0.1" in listen for listen in outside.values()
    )


def test_the_store_answers_on_loopback_only(table: dict[str, Daemon]) -> None:
    urls = [argument for argument in table["etcd"].command if "http" in argument]
    assert urls
    assert all("127.0.0.1" in url for url in urls)


def test_all_of_kubernetes_is_one_program(table: dict[str, Daemon]) -> None:
    chosen = {daemon.command[1] for daemon in table.values() if daemon.command[0] == "/programs/kubernetes"}
    assert chosen == {
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "kube-proxy",
    }


def test_the_node_is_started_anew_exactly_when_a_command_or_a_setting_changed(tmp_path: Path) -> None:
    plan = daemons(HERE, PROGRAMS, "localhost/carrel-base:1")
    (tmp_path / "kubelet.yaml").write_text("a: 1")
    before = key(plan, tmp_path)
    assert key(daemons(HERE, PROGRAMS, "localhost/carrel-base:1"), tmp_path) == before
    assert key(daemons(HERE, PROGRAMS, "localhost/carrel-base:2"), tmp_path) != before
    (tmp_path / "kubelet.yaml").write_text("a: 2")
    assert key(plan, tmp_path) != before
