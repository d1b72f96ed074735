"""The configuration files of the node's programs, written anew at every start."""

import base64
import ipaddress
import json
from pathlib import Path
from string import Template

import yaml

from .daemons import POD_SUBNET
from .instance import Instance

TEMPLATES = Path(__file__).parent / "templates"
# Of the machine's two lists the first is the usual one; systemd-resolved puts only itself, on loopback, into it.
RESOLV_CONFS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
CLIENTS = (
    "kubelet",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "coredns",
    "local-path-provisioner",
    "folders",
)


def kubelet(instance: Instance) -> dict[str, object]:
    """The kubelet's settings; what each unusual one is for stands beside it."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(instance.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(instance.pki / "kubelet-server.crt"),
        "tlsPrivateKeyFile": str(instance.pki / "kubelet-server.key"),
        "containerRuntimeEndpoint": f"unix://{instance.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{instance.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,  # a lower one needs CAP_SYS_RESOURCE, and every container would inherit it
        "clusterDNS": [instance.node_address],
        "clusterDomain": "cluster.local",
        "resolvConf": str(instance.config / "resolv.conf"),
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",  # the default is below /usr
        # No registry can give our images back, so a full disk must neither delete them nor evict their pods.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
            "imagefs.inodesFree": "1%",
        },
        "serializeImagePulls": False,
        "maxPods": 250,
    }


def container_network() -> dict[str, object]:
    """Pods hang on point-to-point links, not on a bridge: replies of a Service's pods then always pass the node's own
    address translation, without the kernel module and switch (br_netfilter) that a bridge needs for that.
    """
    return {
        "cniVersion": "1.0.0",
        "name": "carrel",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": POD_SUBNET}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def kubeconfig(instance: Instance, client: str, namespace: str = "default") -> dict[str, object]:
    """A kubeconfig with everything in it, so that it works wherever it is copied on this machine."""

    def embedded(file: str) -> str:
        return base64.b64encode((instance.pki / file).read_bytes()).decode()

    cluster = {"server": instance.api_url, "certificate-authority-data": embedded("ca.crt")}
    user = {
        "client-certificate-data": embedded(f"{client}.crt"),
        "client-key-data": embedded(f"{client}.key"),
    }
    context = {"cluster": instance.name, "user": client, "namespace": namespace}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": instance.name, "cluster": cluster}],
        "users": [{"name": client, "user": user}],
        "contexts": [{"name": instance.name, "context": context}],
        "current-context": instance.name,
    }


def name_servers(resolv_confs: list[str]) -> list[str]:
    """The first list of name servers that can be reached from another network, that is, not on loopback."""
    for text in resolv_confs:
        words = [line.split() for line in text.splitlines()]
        servers = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
        outside = [server for server in servers if not _is_loopback(server)]
        if outside:
            return outside
    return []


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def write(instance: Instance, *, pause_image: str, helper_image: str) -> None:
    """Write every file the node's programs read."""
    (instance.config / "cni").mkdir(parents=True, exist_ok=True)
    servers = name_servers([file.read_text() for file in RESOLV_CONFS if file.exists()])
    variables = {
        "state": instance.state,
        "config": instance.config,
        "socket": instance.containerd_socket,
        "pause_image": pause_image,
        "node_address": instance.node_address,
        "kubeconfig": instance.pki / "coredns.kubeconfig",
        "forward": f"forward . {' '.join(servers)}" if servers else "",
    }
    for name in ("containerd.toml", "Corefile", "audit.yaml"):
        (instance.config / name).write_text(Template((TEMPLATES / name).read_text()).substitute(variables))
    (instance.config / "resolv.conf").write_text("".join(f"nameserver {server}\n" for server in servers))
    (instance.config / "cni" / "10-carrel.conflist").write_text(json.dumps(container_network()))
    volumes = {"sharedFileSystemPath": str(instance.state / "volumes")}
    (instance.config / "local-path.json").write_text(json.dumps(volumes))
    helper = Template((TEMPLATES / "local-path-helper.yaml").read_text()).substitute(image=helper_image)
    (instance.config / "local-path-helper.yaml").write_text(helper)
    (instance.config / "kubelet.yaml").write_text(yaml.safe_dump(kubelet(instance)))
    for client in CLIENTS:
        _write_private(instance.pki / f"{client}.kubeconfig", kubeconfig(instance, client))
    _write_private(instance.kubeconfig, kubeconfig(instance, "admin", namespace="carrel"))


def _write_private(file: Path, content: dict[str, object]) -> None:
    half = file.with_suffix(".half")
    half.touch(mode=0o600)
    half.write_text(yaml.safe_dump(content))
    half.replace(file)
