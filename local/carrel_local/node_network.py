"""The node's own network: a namespace joined to the machine by one pair of virtual cables."""

import subprocess

from .daemons import POD_SUBNET, SERVICE_SUBNET
from .instance import Instance

# `nsenter` rather than `ip netns exec`, which would cover /sys and hide the cgroups.
IN_NODE = ("nsenter", "--net=/run/netns/node")
# kube-proxy writes its tables one after the other, so for a moment a Service's address may lead nowhere, and so may
# that of a pod that has just gone. Without this such a packet would leave by the default route, and whatever answers
# out there would pass for the Service.
NO_LEAKS = f"""
add table ip carrel
add chain ip carrel leaks {{ type filter hook forward priority 0; policy accept; }}
add rule ip carrel leaks oifname eth0 ip daddr {{ {SERVICE_SUBNET}, {POD_SUBNET} }} reject with tcp reset
"""
ON_MACHINE = ("nsenter", "--net=/run/netns/machine")


def create(instance: Instance) -> None:
    """Called by process 1 of the node, in its mount namespace but still in the machine's network."""
    _do("ip", "netns", "attach", "machine", "1")
    _do("ip", "netns", "add", "node")
    # The kernel takes a dead node's cable away a moment later than the node.
    subprocess.run(("ip", "link", "delete", instance.link), check=False, capture_output=True)
    _do("ip", "link", "add", instance.link, "type", "veth", "peer", "name", "eth0", "netns", "node")
    _do("ip", "address", "add", f"{instance.host_address}/30", "dev", instance.link)
    _do("ip", "link", "set", instance.link, "up")
    _do(*IN_NODE, "ip", "link", "set", "lo", "up")
    _do(*IN_NODE, "ip", "address", "add", f"{instance.node_address}/30", "dev", "eth0")
    _do(*IN_NODE, "ip", "link", "set", "eth0", "up")
    _do(*IN_NODE, "ip", "route", "add", "default", "via", instance.host_address)
    _do(*IN_NODE, "sysctl", "--quiet", "--write", "net.ipv4.ip_forward=1")
    _do(*IN_NODE, "nft", NO_LEAKS)


def _do(*command: str) -> None:
    subprocess.run(command, check=True)
