"""The programs that make up the node: how each is called, where it lives and what it waits for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .instance import Instance

POD_SUBNET = "10.244.0.0/16"
SERVICE_SUBNET = "10.96.0.0/16"
HUB_NODE_PORT = 30080
IDENTITY_NODE_PORT = 30081
STORAGE_NAMESPACE = "local-path-storage"
ETCD = "127.0.0.1:2379"


@dataclass(frozen=True)
class Daemon:
    """One program to keep running."""

    name: str
    command: tuple[str, ...]
    # "host:port" or the path of a socket: the program is started when something listens there.
    waits_for: str = ""
    # Most live in the node's own network; the forwarders stand in the machine's.
    on_machine: bool = False
    # Seconds it may take to end before it is killed.
    patience: float = 10


def daemons(instance: Instance, programs: Mapping[str, Path], helper_image: str) -> tuple[Daemon, ...]:
    """All programs of the node in the order they start; they end in the opposite order."""
    api = f"{instance.node_address}:6443"
    kubernetes = str(programs["kubernetes"])
    pki = instance.pki

    def kubeconfig(name: str) -> str:
        return str(pki / f"{name}.kubeconfig")

    return (
        Daemon("etcd", (kubernetes, "etcd", *_etcd(instance))),
        Daemon(
            "containerd", (str(programs["containerd"]), "--config", str(instance.config / "containerd.toml"))
        ),
        Daemon(
            "kube-apiserver",
            (kubernetes, "kube-apiserver", *_api_server(instance)),
            waits_for=ETCD,
            patience=20,
        ),
        Daemon(
            "kube-controller-manager",
            (kubernetes, "kube-controller-manager", *_controllers(pki)),
            waits_for=api,
        ),
        Daemon(
            "kube-scheduler",
            (
                kubernetes,
                "kube-scheduler",
                f"--kubeconfig={kubeconfig('kube-scheduler')}",
                "--leader-elect=false",
                "--bind-address=127.0.0.1",
            ),
            waits_for=api,
        ),
        Daemon(
            "kubelet",
            (
                kubernetes,
                "kubelet",
                f"--config={instance.config / 'kubelet.yaml'}",
                f"--kubeconfig={kubeconfig('kubelet')}",
                f"--hostname-override={instance.name}",
                f"--node-ip={instance.node_address}",
            ),
            waits_for=str(instance.containerd_socket),
        ),
        Daemon(
            "kube-proxy",
            (
                kubernetes,
                "kube-proxy",
                f"--kubeconfig={kubeconfig('kube-proxy')}",
                f"--hostname-override={instance.name}",
                f"--cluster-cidr={POD_SUBNET}",
                "--proxy-mode=iptables",
                "--oom-score-adj=0",
                # nf_conntrack_max can be set in the machine's own network only.
                "--conntrack-max-per-core=0",
                "--conntrack-tcp-timeout-established=0s",
                "--conntrack-tcp-timeout-close-wait=0s",
            ),
            waits_for=api,
        ),
        Daemon(
            "coredns",
            (str(programs["coredns"]), "-conf", str(instance.config / "Corefile")),
            waits_for=api,
        ),
        Daemon(
            "local-path-provisioner",
            (
                str(programs["local-path-provisioner"]),
                "start",
                f"--config={instance.config / 'local-path.json'}",
                f"--kubeconfig={kubeconfig('local-path-provisioner')}",
                f"--helper-image={helper_image}",
                f"--helper-pod-file={instance.config / 'local-path-helper.yaml'}",
                f"--namespace={STORAGE_NAMESPACE}",
                "--service-account-name=default",
            ),
            waits_for=api,
        ),
        _forwarder("hub-address", instance.hub_port, f"{instance.node_address}:{HUB_NODE_PORT}"),
        _forwarder(
            "identity-address", instance.identity_port, f"{instance.node_address}:{IDENTITY_NODE_PORT}"
        ),
    )


def _forwarder(name: str, port: int, target: str) -> Daemon:
    """Only programs on this machine may come in: it is bound to the loopback address."""
    listen = f"TCP4-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,nodelay"
    return Daemon(name, ("socat", listen, f"TCP4:{target},nodelay"), on_machine=True, patience=2)


def _etcd(instance: Instance) -> tuple[str, ...]:
    return (
        f"--data-dir={instance.state / 'etcd'}",
        f"--listen-client-urls=http://{ETCD}",
        f"--advertise-client-urls=http://{ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        "--initial-cluster=default=http://127.0.0.1:2380",
        "--log-level=warn",
    )


def _api_server(instance: Instance) -> tuple[str, ...]:
    pki = instance.pki
    issuer = "https://kubernetes.default.svc.cluster.local"
    return (
        f"--advertise-address={instance.node_address}",
        f"--bind-address={instance.node_address}",
        "--secure-port=6443",
        f"--etcd-servers=http://{ETCD}",
        f"--service-cluster-ip-range={SERVICE_SUBNET}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--kubelet-preferred-address-types=InternalIP",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--tls-cert-file={pki / 'kube-apiserver.crt'}",
        f"--tls-private-key-file={pki / 'kube-apiserver.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        f"--kubelet-client-certificate={pki / 'kubelet-client.crt'}",
        f"--kubelet-client-key={pki / 'kubelet-client.key'}",
        f"--proxy-client-cert-file={pki / 'front-proxy-client.crt'}",
        f"--proxy-client-key-file={pki / 'front-proxy-client.key'}",
        f"--requestheader-client-ca-file={pki / 'ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--service-account-issuer={issuer}",
        f"--service-account-jwks-uri={issuer}/openid/v1/jwks",
        f"--service-account-key-file={pki / 'service-accounts.pub'}",
        f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
        f"--audit-policy-file={instance.config / 'audit.yaml'}",
        f"--audit-log-path={instance.logs / 'audit.log'}",
        "--audit-log-maxsize=50",  # MB, then it begins anew
        "--audit-log-maxbackup=1",
    )


def _controllers(pki: Path) -> tuple[str, ...]:
    kubeconfig = pki / "kube-controller-manager.kubeconfig"
    return (
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--use-service-account-credentials=true",
        f"--root-ca-file={pki / 'ca.crt'}",
        f"--service-account-private-key-file={pki / 'service-accounts.key'}",
        f"--cluster-signing-cert-file={pki / 'ca.crt'}",
        f"--cluster-signing-key-file={pki / 'ca.key'}",
    )
