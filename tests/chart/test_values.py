"""What single values bring about."""

import json
from collections.abc import Callable
from typing import Any

import yaml

from carrel_operator import settings
from chart.rendering import Rendered

Render = Callable[..., Rendered]


def _egress_ports(rendered: Rendered, policy: str) -> set[int]:
    rules = rendered.of_kind("NetworkPolicy")[policy]["spec"]["egress"]
    return {port["port"] for rule in rules if "to" not in rule for port in rule["ports"]}


def _settings(rendered: Rendered) -> settings.Settings:
    return settings.parse(yaml.safe_load(rendered.of_kind("ConfigMap")["operator"]["data"]["settings.yaml"]))


def _hub_values(rendered: Rendered) -> dict[str, Any]:
    values = yaml.safe_load(rendered.of_kind("Secret")["hub"]["stringData"]["values.yaml"])
    assert isinstance(values, dict)
    return values


def test_the_proxy_reaches_services_at_their_ports(render: Render) -> None:
    assert _egress_ports(render("everything"), "proxy") == {9999, 80, 443}


def test_an_address_of_numbers_and_colons_has_a_port_too(render: Render) -> None:
    service = '--set-json=hub.services={"a":{"url":"http://[fd00::1]:8080/x"},"b":{"url":"http://[fd00::1]"}}'
    assert _egress_ports(render("default", service), "proxy") == {8080, 80}


def test_the_hub_reaches_what_is_added(render: Render) -> None:
    rules = render("everything").of_kind("NetworkPolicy")["hub"]["spec"]["egress"]
    assert rules[-1] == {"to": [{"ipBlock": {"cidr": "10.1.2.4/32"}}], "ports": [{"port": 6432}]}


def test_secrets_of_registries_are_named_either_way(render: Render) -> None:
    rendered = render("everything")
    assert _settings(rendered).notebook.image_pull_secrets == ("registry", "mirror")
    for pod in rendered.pods().values():
        assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}, {"name": "mirror"}]


def test_environment_variables_keep_their_digits(render: Render) -> None:
    given = {"NUMBER": 2592000, "TRUTH": True, "TEXT": "1e6", "LONG": {"value": "x"}}
    rendered = render("default", f"--set-json=hub.extraEnv={json.dumps(given)}")
    (hub,) = rendered.pods()["hub"]["spec"]["containers"]
    assert hub["env"] == [
        {"name": "LONG", "value": "x"},
        {"name": "NUMBER", "value": "2592000"},
        {"name": "TEXT", "value": "1e6"},
        {"name": "TRUTH", "value": "true"},
    ]


def test_a_token_of_digits_stays_text(render: Render) -> None:
    token = "1" * 64
    secret = render("default", f"--set-string=proxy.secretToken={token}").of_kind("Secret")["hub"]
    assert secret["stringData"]["hub.config.ConfigurableHTTPProxy.auth_token"] == token


def test_a_new_proxy_token_restarts_both_who_know_it(render: Render) -> None:
    def checksums(token: str) -> list[str]:
        pods = render("default", f"--set-string=proxy.secretToken={token * 64}").pods()
        return [pods[name]["metadata"]["annotations"]["checksum/proxy-token"] for name in ("hub", "proxy")]

    (hub, proxy), (new_hub, new_proxy) = checksums("a"), checksums("b")
    assert hub == proxy != new_hub == new_proxy


def test_services_without_a_token_get_one(render: Render) -> None:
    secret = render("everything").of_kind("Secret")["hub"]["stringData"]
    assert {key for key in secret if key.startswith("hub.services.")} == {
        "hub.services.reports.apiToken",
        "hub.services.secure.apiToken",
    }


def test_operator_and_hub_judge_idleness_by_the_same_rule(render: Render) -> None:
    rendered = render("default", "--set-json=cull.timeout=600", "--set-json=cull.keepAtMost=7200")
    cull = _hub_values(rendered)["cull"]
    assert cull == {"enabled": True, "timeout": 600, "maxAge": 0, "keepAtMost": 7200}
    assert settings.parse({"namespace": "x", "cull": cull}).cull == _settings(rendered).cull


def test_null_takes_entries_away(render: Render) -> None:
    nothing = {
        "hub.services.reports": None,
        "hub.loadRoles.reader": None,
        "hub.extraConfig.one": None,
        "hub.extraEnv.PLAIN": None,
        "images.old": None,
        "instanceTypes.gpu": None,
        "identityProvider.users.ada": None,
        "notebook.environment.LANG": None,
        "proxy.service.annotations": {"example.org/a": None},
    }
    rendered = render(
        "everything", *(f"--set-json={key}={json.dumps(value)}" for key, value in nothing.items())
    )
    hub = _hub_values(rendered)["hub"]
    assert hub["services"].keys() == {"grades", "secure", "script"}
    assert hub["loadRoles"] == {}
    assert hub["extraConfig"] == {}
    assert rendered.of_kind("InstanceType").keys() == {"small", "medium"}
    assert rendered.of_kind("NotebookImage").keys() == {"datascience"}
    assert [each["name"] for each in rendered.pods()["hub"]["spec"]["containers"][0]["env"]] == ["FROM"]
    assert json.loads(rendered.of_kind("Secret")["identity"]["stringData"]["seed.json"])["users"] == {}
    assert _settings(rendered).notebook.environment == {}


def test_backups_go_to_a_claim_that_outlives_the_release(render: Render) -> None:
    rendered = render("local")
    kept = [rendered.of_kind("PersistentVolumeClaim")["backups"], rendered.of_kind("Secret")["backup"]]
    assert [each["metadata"]["annotations"] for each in kept] == [{"helm.sh/resource-policy": "keep"}] * 2
    assert kept[0]["spec"]["accessModes"] == ["ReadWriteMany"]
    assert _settings(rendered).backup.enabled
    assert _hub_values(rendered)["backup"] == {"enabled": True}


def test_backups_go_to_an_object_store_instead(render: Render) -> None:
    rendered, parsed = render("everything"), _settings(render("everything")).backup
    assert "backups" not in rendered.of_kind("PersistentVolumeClaim")
    assert parsed.repository == "s3:https://s3.example.org/bucket/carrel"
    assert parsed.credentials_secret == "backup-credentials"
    assert (parsed.keep.daily, parsed.keep.weekly, parsed.keep.monthly) == (14, 4, 6)
    assert (parsed.at, parsed.time_zone) == ("23:05", "Europe/Berlin")


def test_without_backups_there_is_nothing_of_them(render: Render) -> None:
    rendered = render("default")
    assert not _settings(rendered).backup.enabled
    assert "backup" not in rendered.of_kind("Secret").keys() | rendered.of_kind("NetworkPolicy").keys()


def test_the_ingress_has_hosts_path_and_tls(render: Render) -> None:
    spec = render("postgres-ingress").of_kind("Ingress")["proxy"]["spec"]
    (rule,) = spec["rules"]
    (path,) = rule["http"]["paths"]
    assert rule["host"] == "notebooks.example.org"
    assert (path["path"], path["pathType"]) == ("/lab/*", "ImplementationSpecific")
    assert path["backend"]["service"] == {"name": "proxy-public", "port": {"name": "http"}}
    assert spec["tls"] == [{"hosts": ["notebooks.example.org"], "secretName": "notebooks-tls"}]


def test_without_hosts_the_ingress_takes_them_all(render: Render) -> None:
    spec = render("default", "--set=ingress.enabled=true").of_kind("Ingress")["proxy"]["spec"]
    assert [rule["http"]["paths"][0]["path"] for rule in spec["rules"]] == ["/"]
    assert "host" not in spec["rules"][0]


def test_a_base_url_moves_probes_and_errors(render: Render) -> None:
    pods = render("postgres-ingress").pods()
    (hub,), (proxy,) = (pods[name]["spec"]["containers"] for name in ("hub", "proxy"))
    assert hub["readinessProbe"]["httpGet"]["path"] == "/lab/hub/health"
    assert "--error-target=http://hub:8081/lab/hub/error" in proxy["args"]


def test_a_database_elsewhere_needs_no_claim(render: Render) -> None:
    rendered = render("postgres-ingress")
    assert rendered.of_kind("PersistentVolumeClaim") == {}
    assert _hub_values(rendered)["hub"]["db"]["type"] == "postgres"


def test_with_the_metadata_server_notebooks_may_ask_it(render: Render) -> None:
    parsed = _settings(render("gke-metadata"))
    assert parsed.identity.mode is settings.IdentityMode.METADATA
    assert parsed.identity.project == "my-project"
    assert parsed.identity.environment == {
        "BIGQUERY_EMULATOR_HOST": "http://gateway.carrel.svc:9060",
        "GOOGLE_CLOUD_QUOTA_PROJECT": "my-other-project",
    }
    reachable = {
        block["ipBlock"]["cidr"]
        for rule in parsed.network.egress
        for block in rule.get("to", [])
        if "ipBlock" in block
    }
    assert {"169.254.169.252/32", "169.254.169.254/32", "169.254.20.10/32"} <= reachable


def test_elsewhere_notebooks_may_not_ask_a_metadata_server(render: Render) -> None:
    for case in ("local", "gke-federated", "default"):
        for rule in _settings(render(case)).network.egress:
            assert "169.254.169.25" not in json.dumps(rule.get("to", []))


def test_federated_the_audience_of_token_and_file_agree(render: Render) -> None:
    for case in ("gke-federated", "local"):
        rendered = render(case)
        file = json.loads(rendered.of_kind("ConfigMap")["warehouse-credentials"]["data"]["credentials.json"])
        assert _settings(rendered).identity.audience == f"https:{file['audience']}"
        assert file["type"] == "external_account"


def test_federated_it_may_act_as_a_service_account(render: Render) -> None:
    def url(*arguments: str) -> str | None:
        config = render("gke-federated", *arguments).of_kind("ConfigMap")["warehouse-credentials"]
        found = json.loads(config["data"]["credentials.json"]).get("service_account_impersonation_url")
        assert found is None or isinstance(found, str)
        return found

    assert "/serviceAccounts/notebooks@my-project.iam.gserviceaccount.com:generateAccessToken" in (
        url() or ""
    )
    assert url("--set=warehouse.google.serviceAccount=null") is None


def test_without_a_gateway_notebooks_ask_the_warehouse_itself(render: Render) -> None:
    assert _settings(render("gke-federated")).identity.environment == {"NO_GCE_CHECK": "true"}
