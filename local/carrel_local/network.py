"""On the machine's side, an instance needs a way out: one nftables table of its own and forwarding switched on."""

import json
from pathlib import Path

from .commands import run, succeeds
from .instance import STATES, Instance

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
# What forwarding was before the first instance came; the last one to go restores it.
BEFORE = STATES / "ip_forward.before"


def ruleset(instance: Instance) -> dict[str, object]:
    """The table, in nft's JSON: what leaves the instance's subnet takes the machine's address."""
    place = {"family": "ip", "table": instance.table}
    masquerade = {
        **place,
        "chain": "postrouting",
        "expr": [
            _match("==", "saddr", instance.subnet),
            _match("!=", "daddr", instance.subnet),
            {"masquerade": None},
        ],
    }
    chain = {
        **place,
        "name": "postrouting",
        "type": "nat",
        "hook": "postrouting",
        "prio": 100,
        "policy": "accept",
    }
    table = {"family": "ip", "name": instance.table}
    return {
        "nftables": [
            {"add": {"table": table}},
            {"delete": {"table": table}},
            {"add": {"table": table}},
            {"add": {"chain": chain}},
            {"add": {"rule": masquerade}},
        ]
    }


def _match(operator: str, field: str, subnet: str) -> dict[str, object]:
    address, length = subnet.split("/")
    return {
        "match": {
            "op": operator,
            "left": {"payload": {"protocol": "ip", "field": field}},
            "right": {"prefix": {"addr": address, "len": int(length)}},
        }
    }


def accepts(instance: Instance) -> list[list[str]]:
    """The iptables rules that let an instance's traffic through a machine that forwards nothing by itself."""
    mark = ["-m", "comment", "--comment", instance.cgroup, "-j", "ACCEPT"]
    return [["FORWARD", "-s", instance.subnet, *mark], ["FORWARD", "-d", instance.subnet, *mark]]


def open_way_out(instance: Instance) -> None:
    """Give the instance its table, and switch forwarding on."""
    if FORWARDING.read_text().strip() == "0":
        if not BEFORE.exists():
            BEFORE.write_text("0")
        FORWARDING.write_text("1")
    run("nft", "--json", "--file", "-", stdin=json.dumps(ruleset(instance)))
    _withdraw(instance)
    # Docker and firewalls drop what is forwarded, and an accept in another table does not overrule them. Where nobody
    # has made the table there is nothing to overrule, and making it would leave a trace.
    if _forwarding_is_filtered():
        for rule in accepts(instance):
            run("iptables", "-w", "-I", *rule)


def close_way_out(instance: Instance, *, last: bool) -> None:
    """Remove what `open_way_out` made; the `last` instance restores the forwarding switch too."""
    if succeeds("nft", "list", "table", "ip", instance.table):
        run("nft", "delete", "table", "ip", instance.table)
    _withdraw(instance)
    if last and BEFORE.exists():
        FORWARDING.write_text(BEFORE.read_text())
        BEFORE.unlink()


def _withdraw(instance: Instance) -> None:
    while _forwarding_is_filtered() and instance.cgroup in run("iptables-save", "-t", "filter"):
        for rule in accepts(instance):
            succeeds("iptables", "-w", "-D", *rule)


def _forwarding_is_filtered() -> bool:
    """Whether iptables' own filter table exists, in its new or its old form; asking iptables itself would make it."""
    old = Path("/proc/net/ip_tables_names")
    return succeeds("nft", "list", "chain", "ip", "filter", "FORWARD") or (
        old.exists() and "filter" in old.read_text().split()
    )
