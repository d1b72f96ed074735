"""The cluster's keys and certificates: one authority, and one leaf per program that speaks to another."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .instance import Instance

YEARS = 10
SERVICE_ADDRESS = "10.96.0.1"


@dataclass(frozen=True)
class Leaf:
    """A certificate to make: who it is for Kubernetes, and the names it answers to."""

    name: str
    common_name: str
    group: str = ""
    names: tuple[str, ...] = ()


def leaves(instance: Instance) -> tuple[Leaf, ...]:
    """Every certificate the instance needs."""
    services = (
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    )
    here = ("localhost", "127.0.0.1", instance.node_address)
    return (
        Leaf("kube-apiserver", "kube-apiserver", names=(*services, SERVICE_ADDRESS, *here)),
        Leaf("kubelet-server", f"system:node:{instance.name}", "system:nodes", names=(instance.name, *here)),
        Leaf("kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
        Leaf("front-proxy-client", "front-proxy-client"),
        Leaf("admin", "carrel-admin", "system:masters"),
        Leaf("kubelet", f"system:node:{instance.name}", "system:nodes"),
        Leaf("kube-controller-manager", "system:kube-controller-manager"),
        Leaf("kube-scheduler", "system:kube-scheduler"),
        Leaf("kube-proxy", "system:kube-proxy"),
        Leaf("coredns", "system:coredns"),
        Leaf("local-path-provisioner", "system:local-path-provisioner"),
        Leaf("folders", "system:folders"),
    )


def create(instance: Instance) -> None:
    """Make what is missing; an authority that exists is kept, because pods and people hold its certificates."""
    instance.pki.mkdir(parents=True, exist_ok=True)
    instance.pki.chmod(0o700)
    authority_key, authority = _authority(instance.pki)
    for leaf in leaves(instance):
        if not (instance.pki / f"{leaf.name}.crt").exists():
            _write_leaf(instance.pki, leaf, authority_key, authority)
    signer = instance.pki / "service-accounts.key"
    if not signer.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        _write(signer.with_suffix(".pub"), _public(key.public_key()))
        _write(signer, _private(key))


def _authority(directory: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key_file, certificate_file = directory / "ca.key", directory / "ca.crt"
    if certificate_file.exists():
        loaded = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{key_file} is not a key that carrel_local made")
        return loaded, x509.load_pem_x509_certificate(certificate_file.read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "carrel")])
    # Python 3.13 refuses an authority without these two extensions.
    certificate = (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(key_file, _private(key))
    _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
    return key, certificate


def _write_leaf(
    directory: Path, leaf: Leaf, authority_key: ec.EllipticCurvePrivateKey, authority: x509.Certificate
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name)]
    if leaf.group:
        subject.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, leaf.group))
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if leaf.names else [])]
    builder = (
        _builder(x509.Name(subject), authority.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
    )
    if leaf.names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general(name) for name in leaf.names]), critical=False
        )
    certificate = builder.sign(authority_key, hashes.SHA256())
    _write(directory / f"{leaf.name}.key", _private(key))
    _write(directory / f"{leaf.name}.crt", certificate.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=365 * YEARS))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all, and readable by root only."""
    half = file.with_suffix(".half")
    half.touch(mode=0o600)
    half.write_bytes(content)
    half.replace(file)
