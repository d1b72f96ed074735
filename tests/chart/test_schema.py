"""Values that mean nothing are refused before anything is installed, and the message says where they stand."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from chart.rendering import CHART

REFUSED = [
    ("/", {"hubb": {}}),
    ("/hub", {"hub": {"extraConfigs": {}}}),
    ("/hub/baseUrl", {"hub": {"baseUrl": "lab"}}),
    ("/hub/publicUrl", {"hub": {"publicUrl": "notebooks.example.org"}}),
    ("/hub/db/type", {"hub": {"db": {"type": "sqlite"}}}),
    ("/hub/db", {"hub": {"db": {"type": "postgres"}}}),
    ("/hub/db/url", {"hub": {"db": {"type": "postgres", "url": ""}}}),
    ("/hub/db/pvc/storage", {"hub": {"db": {"pvc": {"storage": "1 GB"}}}}),
    ("/hub/config/JupyterHub", {"hub": {"config": {"JupyterHub": "google"}}}),
    ("/hub/services/reports", {"hub": {"services": {"reports": {"token": "x"}}}}),
    ("/hub/services/reports/url", {"hub": {"services": {"reports": {"url": "reports:80"}}}}),
    ("/hub/loadRoles/reader", {"hub": {"loadRoles": {"reader": {"scope": []}}}}),
    ("/hub/extraConfig/one", {"hub": {"extraConfig": {"one": {"c": 1}}}}),
    ("/hub/extraEnv/A", {"hub": {"extraEnv": {"A": {"values": "b"}}}}),
    ("/hub/extraEnv/A", {"hub": {"extraEnv": {"A": {"value": "b", "valueFrom": {}}}}}),
    ("/hub/extraEnv", {"hub": {"extraEnv": {"1A": "b"}}}),
    ("/hub/startTimeout", {"hub": {"startTimeout": 0}}),
    ("/hub/stuckTimeout", {"hub": {"stuckTimeout": "25s"}}),
    ("/hub/groupsRefreshSeconds", {"hub": {"groupsRefreshSeconds": -1}}),
    ("/hub/namedServerLimitPerUser", {"hub": {"namedServerLimitPerUser": -1}}),
    ("/hub/image", {"hub": {"image": {"repository": "x"}}}),
    ("/hub/image/tag", {"hub": {"image": {"tag": "a b"}}}),
    ("/hub/image/pullPolicy", {"hub": {"image": {"pullPolicy": "Sometimes"}}}),
    ("/hub/resources", {"hub": {"resources": {"request": {}}}}),
    ("/hub/resources/limits/memory", {"hub": {"resources": {"limits": {"memory": "1GB"}}}}),
    ("/hub/tolerations/0/effect", {"hub": {"tolerations": [{"effect": "Never"}]}}),
    ("/proxy/secretToken", {"proxy": {"secretToken": "short"}}),
    ("/proxy/service/type", {"proxy": {"service": {"type": "nodePort"}}}),
    ("/proxy/service/nodePorts/http", {"proxy": {"service": {"nodePorts": {"http": 70000}}}}),
    ("/operator", {"operator": {"replicas": 2}}),
    ("/notebook/home", {"notebook": {"home": {"storage": "1Gi"}}}),
    ("/notebook/home/size", {"notebook": {"home": {"size": "big"}}}),
    ("/notebook/imagePullPolicy", {"notebook": {"imagePullPolicy": "always"}}),
    ("/backup", {"backup": {"schedul": {}}}),
    ("/backup/schedule/at", {"backup": {"schedule": {"at": "2:30"}}}),
    ("/backup/schedule/at", {"backup": {"schedule": {"at": "24:00"}}}),
    ("/backup/schedule/timeZone", {"backup": {"schedule": {"timeZone": "../etc/passwd"}}}),
    ("/backup/keep", {"backup": {"keep": {"yearly": 1}}}),
    ("/backup/keep/daily", {"backup": {"keep": {"daily": -1}}}),
    ("/backup/concurrency", {"backup": {"concurrency": 0}}),
    ("/backup/repository", {"backup": {"repository": "/mnt/backups"}}),
    ("/backup/volume/size", {"backup": {"volume": {"size": "big"}}}),
    ("/instanceTypes", {"instanceTypes": {"Small!": {"cpu": {"limit": 1}, "memory": {"limit": "1Gi"}}}}),
    ("/instanceTypes/huge", {"instanceTypes": {"huge": {"cpu": {"limit": 1}}}}),
    ("/instanceTypes/small/cpu", {"instanceTypes": {"small": {"cpu": {"limits": 1}}}}),
    ("/instanceTypes/small/memory/limit", {"instanceTypes": {"small": {"memory": {"limit": "2 Gi"}}}}),
    ("/instanceTypes/small/gpu", {"instanceTypes": {"small": {"gpu": {"count": 1}}}}),
    ("/instanceTypes/small/pricePerHour", {"instanceTypes": {"small": {"pricePerHour": "0.05"}}}),
    ("/instanceTypes/small/growTo", {"instanceTypes": {"small": {"growTo": "Medium Size"}}}),
    ("/instanceTypes/small/applyChanges", {"instanceTypes": {"small": {"applyChanges": "Later"}}}),
    ("/images/mine", {"images": {"mine": {"displayName": "Mine"}}}),
    ("/images/mine/image", {"images": {"mine": {"image": "-x"}}}),
    ("/images/mine/deprecated", {"images": {"mine": {"image": "x", "deprecated": True}}}),
    ("/identityProvider/publicUrl", {"identityProvider": {"publicUrl": "localhost:8001"}}),
    ("/identityProvider/users/ada", {"identityProvider": {"users": {"ada": {"name": "Ada"}}}}),
    ("/warehouse/mode", {"warehouse": {"mode": "bigquery"}}),
    ("/warehouse/project", {"warehouse": {"project": "My Project"}}),
    ("/warehouse/google/access", {"warehouse": {"google": {"access": "key"}}}),
    ("/warehouse/google/audience", {"warehouse": {"google": {"audience": "https://iam.googleapis.com/x"}}}),
    ("/warehouse/standIn", {"warehouse": {"standIn": {"emailDomian": "x"}}}),
    ("/cull/timeout", {"cull": {"timeout": 0}}),
    ("/cull", {"cull": {"enable": True}}),
    ("/ingress/hosts", {"ingress": {"hosts": "notebooks.example.org"}}),
    ("/ingress/tls/0", {"ingress": {"tls": [{"secret": "x"}]}}),
    ("/ingress/pathType", {"ingress": {"pathType": "prefix"}}),
    ("/imagePullSecrets/0", {"imagePullSecrets": [{"secret": "registry"}]}),
    ("/imagePullSecrets/0", {"imagePullSecrets": [1]}),
    ("/networkPolicy/apiServer/cidrs/0", {"networkPolicy": {"apiServer": {"cidrs": ["10.0.0.1"]}}}),
    ("/networkPolicy/hubEgress", {"networkPolicy": {"hubEgress": {"cidr": "10.0.0.0/8"}}}),
    ("/networkPolicy/notebookEgress", {"networkPolicy": {"notebookEgress": {"allow": []}}}),
    ("/debug/enabled", {"debug": {"enabled": "yes"}}),
]

Helm = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(("path", "values"), REFUSED, ids=[path for path, _ in REFUSED])
def test_refused_with_its_path(helm: Helm, path: str, values: dict[str, Any]) -> None:
    done = helm("template", "carrel", str(CHART), *(_as_arguments(values)))
    assert done.returncode != 0
    assert f"at '{path.removesuffix('/')}'" in done.stderr


def _as_arguments(values: dict[str, Any]) -> list[str]:
    return [f"--set-json={key}={json.dumps(value)}" for key, value in values.items()]


def test_federated_without_an_audience_says_what_is_needed(helm: Helm) -> None:
    google = {"warehouse": {"mode": "google", "google": {"access": "federated"}}}
    done = helm("template", "carrel", str(CHART), *_as_arguments(google))
    assert done.returncode != 0
    assert "warehouse.google.audience is needed with access: federated" in done.stderr


def test_every_object_of_the_schema_knows_its_keys() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    open_ends = {"global", "valueFrom", "extra", "config", "info"}  # Kubernetes' and JupyterHub's own shapes
    found = _without_keys(schema, "")
    assert {path.rsplit("/", 1)[-1] for path in found} <= open_ends, found


def _without_keys(node: object, path: str) -> list[str]:
    """Paths of objects that accept any key."""
    if isinstance(node, list):
        return [each for item in node for each in _without_keys(item, path)]
    if not isinstance(node, dict):
        return []
    kinds = node.get("type", [])
    is_object = "object" in ([kinds] if isinstance(kinds, str) else kinds)
    found = [path] if is_object and "additionalProperties" not in node else []
    for key, value in node.items():
        keyword = key in {
            "properties",
            "patternProperties",
            "items",
            "additionalProperties",
            "anyOf",
            "then",
            "if",
        }
        found += _without_keys(value, path if keyword else f"{path}/{key}")
    return found


def test_every_value_is_in_the_schema() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert schema["properties"].keys() - {"global"} == values.keys()
    for name, part in values.items():
        if isinstance(part, dict) and "properties" in schema["properties"][name]:
            assert schema["properties"][name]["properties"].keys() == part.keys(), name
