"""How the operator gets into the warehouse: as itself, keyless, and only where there is one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from chart.rendering import Rendered


def _operator(rendered: Rendered) -> tuple[dict[str, str], dict[str, Any]]:
    pod = rendered.pods()["operator"]["spec"]
    (container,) = pod["containers"]
    environment = {each["name"]: each["value"] for each in container.get("env", [])}
    return environment, {each["name"]: each for each in pod["volumes"]}


def _identity(rendered: Rendered) -> dict[str, Any]:
    text = rendered.of_kind("ConfigMap")["operator"]["data"]["settings.yaml"]
    return dict(yaml.safe_load(text)["identity"])


@pytest.mark.parametrize("case", ["local", "gke-federated", "everything"])
def test_where_notebooks_trade_a_token_the_operator_does(render: Callable[..., Rendered], case: str) -> None:
    rendered = render(case)
    if _identity(rendered)["mode"] != "federated":
        pytest.skip("these values know no token")
    environment, volumes = _operator(rendered)
    (source,) = volumes["token"]["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == _identity(rendered)["audience"]
    assert environment["GOOGLE_APPLICATION_CREDENTIALS"].endswith("/own.json")
    files = rendered.of_kind("ConfigMap")["warehouse-credentials"]["data"]
    assert "service_account_impersonation_url" not in json.loads(files["own.json"])


def test_the_operator_is_not_the_account_that_notebooks_act_as(render: Callable[..., Rendered]) -> None:
    rendered = render("gke-federated", "--set=warehouse.google.serviceAccount=n@p.iam.gserviceaccount.com")
    files = rendered.of_kind("ConfigMap")["warehouse-credentials"]["data"]
    assert "service_account_impersonation_url" in json.loads(files["credentials.json"])
    assert "service_account_impersonation_url" not in json.loads(files["own.json"])


def test_the_operator_asks_the_stand_in_itself(render: Callable[..., Rendered]) -> None:
    environment, _ = _operator(render("local"))
    assert environment["BIGQUERY_EMULATOR_HOST"] == "http://warehouse.carrel.svc:9050"


def test_without_a_warehouse_there_is_nothing_to_take_back(render: Callable[..., Rendered]) -> None:
    rendered = render("default")
    assert _operator(rendered)[0] == {}
    assert rendered.of_kind("Job") == {}
    rules = rendered.of_kind("Role")["operator"]["rules"]
    assert not any("projects" in rule["resources"] and "patch" in rule["verbs"] for rule in rules)


def test_what_takes_everything_back_is_as_restricted_as_the_operator(render: Callable[..., Rendered]) -> None:
    rendered = render("local")
    job, operator = rendered.of_kind("Job")["uninstall"], rendered.pods()["operator"]["spec"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete"
    assert job["spec"]["activeDeadlineSeconds"] < 300, "Helm itself waits for five minutes"
    pod = job["spec"]["template"]["spec"]
    (theirs,), (ours,) = operator["containers"], pod["containers"]
    for key in ("serviceAccountName", "securityContext", "volumes"):
        assert pod[key] == operator[key]
    for key in ("image", "securityContext", "volumeMounts", "env"):
        assert ours[key] == theirs[key]
