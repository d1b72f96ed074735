"""Why a service did not answer, and which value of the chart opens the way: verdicts about silences."""

import json

from carrel_lab.doctor.findings import Finding, failed
from carrel_lab.doctor.place import Place
from carrel_lab.doctor.reach import Kind, Silence

_ANYWHERE = "0.0.0.0/0"


def upgrade(place: Place, *values: str) -> str:
    """The command that installs the chart again, with other values if some are named."""
    return " ".join(
        [f"helm upgrade carrel helm/carrel --namespace {place.namespace} --reuse-values", *values]
    )


def silent(name: str, silence: Silence, place: Place) -> Finding:
    """What stands between the notebook and a host."""
    inside = silence.host.endswith(f".{place.namespace}.svc") or ".svc" in silence.host
    where = f"{silence.host}:{silence.port}"
    match silence.kind:
        case Kind.NO_NAME:
            return _no_name(name, silence.host, place, inside=inside)
        case Kind.REFUSED if inside:
            service = silence.host.partition(".")[0]
            message = f"Nothing listens at {where}: the deployment '{service}' does not run."
            command = f"kubectl --namespace {place.namespace} scale deployment {service} --replicas=1"
            return failed(name, message, command)
        case Kind.BROKEN:
            message = f"The connection to {where} broke ({silence.detail})."
            return failed(name, message, f"kubectl --namespace {place.namespace} get pods")
    message = (
        f"{where} can't be reached: a NetworkPolicy cuts the way, or nothing is there. "
        f"networkPolicy.notebookEgress says what notebooks may reach."
    )
    return failed(name, message, _opening(silence, place, inside=inside))


def _no_name(name: str, host: str, place: Place, *, inside: bool) -> Finding:
    message = f"The name {host} can't be looked up: the Service is not there, or DNS is cut off."
    if inside:
        return failed(name, message, upgrade(place))
    return failed(name, message, upgrade(place, "--set 'networkPolicy.dnsCidrs={169.254.20.10/32}'"))


def _opening(silence: Silence, place: Place, *, inside: bool) -> str:
    """Inside the release the chart itself opens the way, so installing it again does."""
    if inside:
        return upgrade(place)
    rule = {
        "to": [{"ipBlock": {"cidr": _ANYWHERE}}],
        "ports": [{"port": silence.port, "protocol": "TCP"}],
    }
    return upgrade(place, f"--set-json 'networkPolicy.notebookEgress.extra=[{json.dumps(rule)}]'")
