"""Settings of the node's programs."""

import ssl
from pathlib import Path

import pytest
import yaml

from carrel_local import configuration, pki
from carrel_local import instance as instances
from carrel_local.instance import Instance

HERE = Instance("carrel", 0)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    monkeypatch.setattr(instances, "STATES", tmp_path)
    HERE.state.mkdir()
    return HERE


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param(
            ["nameserver 192.0.2.1\nnameserver 192.0.2.2\n"], ["192.0.2.1", "192.0.2.2"], id="plain"
        ),
        pytest.param(
            ["nameserver 127.0.0.53\n", "nameserver 192.0.2.1\n"], ["192.0.2.1"], id="systemd-resolved"
        ),
        pytest.param(["# none\nsearch example.org\nnameserver\n"], [], id="none"),
        pytest.param(
            ["nameserver ::1\nnameserver fe80::1%eth0\n"], ["fe80::1%eth0"], id="version 6 with a zone"
        ),
    ],
)
def test_pods_ask_name_servers_that_are_not_on_the_machine_itself(
    texts: list[str], expected: list[str]
) -> None:
    assert configuration.name_servers(texts) == expected


def test_a_full_disk_deletes_no_image_because_no_registry_gives_it_back() -> None:
    kubelet = configuration.kubelet(HERE)
    assert kubelet["imageGCHighThresholdPercent"] == 100
    assert kubelet["cgroupRoot"] == "/carrel-carrel"
    assert kubelet["failCgroupV1"] is False


def test_every_file_is_written_and_the_secret_ones_are_private(here: Instance) -> None:
    pki.create(here)
    configuration.write(here, pause_image="localhost/carrel-pause:1", helper_image="localhost/carrel-base:1")
    assert "$" not in (here.config / "Corefile").read_text() + (here.config / "containerd.toml").read_text()
    assert yaml.safe_load((here.config / "kubelet.yaml").read_text()) == configuration.kubelet(here)
    helper = yaml.safe_load((here.config / "local-path-helper.yaml").read_text())
    assert helper["spec"]["containers"][0]["image"] == "localhost/carrel-base:1"
    private = [here.kubeconfig, *here.pki.glob("*.kubeconfig"), *here.pki.glob("*.key")]
    assert len(private) > 10
    assert {file.stat().st_mode & 0o777 for file in private} == {0o600}


def test_the_kubeconfig_opens_the_namespace_carrel(here: Instance) -> None:
    pki.create(here)
    written = configuration.kubeconfig(here, "admin", namespace="carrel")
    assert written["contexts"] == [
        {"name": "carrel", "context": {"cluster": "carrel", "user": "admin", "namespace": "carrel"}}
    ]


def test_certificates_survive_a_second_start_and_pass_pythons_strict_check(here: Instance) -> None:
    """Python 3.13 sets VERIFY_X509_STRICT, which refuses authorities without key usage."""
    pki.create(here)
    before = (here.pki / "kube-apiserver.crt").read_bytes()
    pki.create(here)
    assert (here.pki / "kube-apiserver.crt").read_bytes() == before

    client = ssl.create_default_context(cafile=here.pki / "ca.crt")
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(here.pki / "kube-apiserver.crt", here.pki / "kube-apiserver.key")
    for name in ("kubernetes.default.svc", "10.96.0.1", "10.231.0.2"):
        shake_hands(client, server, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client, server, "192.0.2.1")


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    """A whole TLS handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)
