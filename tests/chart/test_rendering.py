"""What every rendering of the chart must hold to, whatever the values."""

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import yaml

from carrel_hub import values as hub_values
from carrel_operator import settings
from chart.rendering import CASES, CHART, NAMESPACE, VALUES, Manifest, Rendered

# Random where Helm sees no cluster to read them back from.
RANDOM = re.compile(r"\b[0-9a-f]{64}\b")
# A pod whose containers are reached over a port, so somebody can ask whether it is well.
WITHOUT_PROBES = {"emulator"}  # listens on its pod's loopback only, where the kubelet can't ask


@pytest.mark.parametrize("case", CASES)
def test_lints(helm: Callable[..., subprocess.CompletedProcess[str]], case: str) -> None:
    done = helm("lint", "--strict", str(CHART), f"--values={VALUES / case}.yaml")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("case", CASES)
def test_renders_the_same_twice(render: Callable[..., Rendered], case: str) -> None:
    first, second = (RANDOM.sub("?", render(case).text) for _ in range(2))
    assert first == second


def test_names_are_unique_per_kind(rendered: Rendered) -> None:
    names = Counter((each["kind"], each["metadata"]["name"]) for each in rendered.objects)
    assert [name for name, times in names.items() if times > 1] == []


def test_everything_namespaced_is_in_the_release_namespace(rendered: Rendered) -> None:
    policies = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
    cluster_wide = {"ClusterRole", "ClusterRoleBinding", "InstanceType", "NotebookImage"} | policies
    for each in rendered.objects:
        expected = None if each["kind"] in cluster_wide else NAMESPACE
        assert each["metadata"].get("namespace") == expected, each["metadata"]["name"]


def test_every_object_says_what_it_belongs_to(rendered: Rendered) -> None:
    for each in rendered.objects:
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "carrel"
        assert labels["app.kubernetes.io/component"]


def test_pods_are_restricted(rendered: Rendered) -> None:
    for name, pod in rendered.pods().items():
        security = pod["spec"]["securityContext"]
        assert security["runAsNonRoot"] is True, name
        assert security["runAsUser"] >= 1000, name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod["spec"].keys(), name
        assert all("hostPath" not in volume for volume in pod["spec"]["volumes"]), name


def test_containers_are_restricted(rendered: Rendered) -> None:
    for name, container in rendered.containers():
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False, name
        assert security["readOnlyRootFilesystem"] is True, name
        assert security["capabilities"] == {"drop": ["ALL"]}, name
        assert "privileged" not in security, name


def test_containers_have_probes_and_limits(rendered: Rendered) -> None:
    for _, container in rendered.containers():
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        if container["name"] not in WITHOUT_PROBES:
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), container["name"]


def test_only_who_asks_the_api_server_has_a_token(rendered: Rendered) -> None:
    with_token = {
        name for name, pod in rendered.pods().items() if pod["spec"]["automountServiceAccountToken"]
    }
    assert with_token <= {"gateway", "hub", "operator", "warehouse"}
    for account in rendered.of_kind("ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False


def test_services_reach_a_port_of_a_pod(rendered: Rendered) -> None:
    for name, service in rendered.of_kind("Service").items():
        ports = {port["name"] for pod in _selected(rendered, service) for port in _ports(pod)}
        assert {each["targetPort"] for each in service["spec"]["ports"]} <= ports, name


def _selected(rendered: Rendered, service: Manifest) -> list[Manifest]:
    wanted = service["spec"]["selector"].items()
    return [pod for pod in rendered.pods().values() if wanted <= pod["metadata"]["labels"].items()]


def _ports(pod: Manifest) -> Iterator[Manifest]:
    for container in pod["spec"]["containers"]:
        yield from container.get("ports", [])


def test_what_a_pod_mounts_exists(rendered: Rendered) -> None:
    kinds = {"secret": "Secret", "configMap": "ConfigMap", "persistentVolumeClaim": "PersistentVolumeClaim"}
    for pod in rendered.pods().values():
        for volume in pod["spec"]["volumes"]:
            for source, kind in kinds.items():
                if source in volume:
                    wanted = volume[source]
                    name = wanted.get("secretName") or wanted.get("claimName") or wanted.get("name")
                    assert name in rendered.of_kind(kind)


def test_every_pod_has_a_network_policy(rendered: Rendered) -> None:
    policies = [
        each["spec"]["podSelector"]["matchLabels"] for each in rendered.of_kind("NetworkPolicy").values()
    ]
    for name, pod in rendered.pods().items():
        labels = pod["metadata"]["labels"].items()
        assert any(policy.items() <= labels for policy in policies), name


def test_the_operator_understands_its_settings(rendered: Rendered) -> None:
    content = rendered.of_kind("ConfigMap")["operator"]["data"]["settings.yaml"]
    parsed = settings.parse(yaml.safe_load(content))
    assert parsed.namespace == NAMESPACE
    if parsed.identity.mode is settings.IdentityMode.FEDERATED:
        assert parsed.identity.credentials_config_map in rendered.of_kind("ConfigMap")
    else:
        assert "warehouse-credentials" not in rendered.of_kind("ConfigMap")


def test_the_hub_understands_its_values(rendered: Rendered) -> None:
    secret = rendered.of_kind("Secret")["hub"]["stringData"]
    parsed = hub_values.parse(yaml.safe_load(secret["values.yaml"]))
    assert parsed.namespace == NAMESPACE
    for key in ("ConfigurableHTTPProxy.auth_token", "JupyterHub.cookie_secret", "CryptKeeper.keys"):
        assert RANDOM.fullmatch(secret[f"hub.config.{key}"])


def test_switched_off_network_policies_are_gone(render: Callable[..., Rendered]) -> None:
    assert render("local", "--set=networkPolicy.enabled=false").of_kind("NetworkPolicy") == {}


def test_a_busy_node_does_not_end_what_works(rendered: Rendered) -> None:
    for _, container in rendered.containers():
        for probe in ("readinessProbe", "livenessProbe"):
            if "httpGet" in container.get(probe, {}):
                assert container[probe]["timeoutSeconds"] >= 5, container["name"]
