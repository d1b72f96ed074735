"""A setting that is misspelt, missing or of another type stops the start with its name."""

from pathlib import Path

import pytest

from carrel_operator.settings import IdentityMode, SettingsError, load, parse

WHOLE = """
namespace: carrel
home: {size: 20Gi, maxSize: 50Gi, storageClass: fast, keep: false}
notebook:
  port: 8888
  terminationGracePeriodSeconds: 5
  imagePullPolicy: Always
  imagePullSecrets: [registry]
  priorityClassName: null
  environment: {LANG: C.UTF-8}
identity:
  mode: federated
  audience: https://warehouse.example.org
  tokenExpirationSeconds: 600
  credentialsConfigMap: warehouse-credentials
  project: carrel-demo
  serviceAccountAnnotations: {a/b: c}
  environment: {NO_GCE_CHECK: "true"}
  principal: "system:serviceaccount:{namespace}:{serviceAccount}"
cull: {enabled: true, timeout: 600, maxAge: 0, keepAtMost: 7200}
network:
  ingress: [{ports: [{port: 8888}]}]
  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]
"""


def test_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(WHOLE)
    settings = load(path)
    assert settings.home.storage_class == "fast"
    assert settings.notebook.image_pull_secrets == ("registry",)
    assert (settings.cull.timeout, settings.cull.keep_at_most) == (600, 7200)
    assert settings.identity.mode is IdentityMode.FEDERATED
    assert settings.identity.principal_of("carrel", "user-ada") == "system:serviceaccount:carrel:user-ada"
    assert settings.network.ingress == ({"ports": [{"port": 8888}]},)


def test_only_the_namespace_is_needed() -> None:
    assert parse({"namespace": "carrel"}).home.size == "10Gi"


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({}, "namespace"),
        ([], "object"),
        ({"namespace": 1}, "namespace"),
        ({"namespace": "c", "nmae": 1}, "nmae"),
        ({"namespace": "c", "home": {"storage_class": "x"}}, "home"),
        ({"namespace": "c", "home": {"size": "much"}}, "home.size"),
        ({"namespace": "c", "home": {"size": "10Gi", "maxSize": "9Gi"}}, "home.maxSize"),
        ({"namespace": "c", "notebook": {"port": "8888"}}, "notebook.port"),
        ({"namespace": "c", "notebook": {"environment": {"A": 1}}}, "notebook.environment"),
        ({"namespace": "c", "identity": {"mode": "magic"}}, "identity.mode"),
        ({"namespace": "c", "identity": {"mode": "federated"}}, "identity.audience"),
        ({"namespace": "c", "identity": {"principal": "{user}"}}, "identity.principal"),
    ],
)
def test_what_is_wrong_is_named(content: object, key: str) -> None:
    with pytest.raises(SettingsError, match=key.replace(".", r"\.")):
        parse(content)


@pytest.mark.parametrize("text", [None, "a: [", "namespace: carrel\nhome: 3"])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "settings.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=r"settings\.yaml can't be"):
        load(path)
