"""The settings file: everything it may say, and the sentence that refuses the rest."""

from pathlib import Path

import pytest

from carrel_operator import settings
from carrel_operator.settings import IdentityMode, SettingsError


def test_what_is_not_said_has_a_default() -> None:
    parsed = settings.parse({"namespace": "carrel"})
    assert parsed.notebook.port == 8888
    assert parsed.home.keep
    assert parsed.identity.mode is IdentityMode.NONE


def test_everything_that_is_said_is_read(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(
        "namespace: carrel\n"
        "home: {size: 5Gi, storageClass: fast, keep: false}\n"
        "identity: {mode: federated, audience: //somewhere, environment: {A: b}}\n"
        "network: {egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}\n"
    )
    parsed = settings.load(file)
    assert (parsed.home.size, parsed.home.storage_class, parsed.home.keep) == ("5Gi", "fast", False)
    assert parsed.identity.environment == {"A": "b"}
    assert parsed.network.egress[0]["to"][0]["ipBlock"] == {"cidr": "0.0.0.0/0"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({}, "missing required field `namespace`"),
        ({"namespace": "carrel", "hoem": {}}, "unknown field `hoem`"),
        ({"namespace": "carrel", "home": {"siez": "1Gi"}}, r"unknown field `siez` - at `\$.home`"),
        (
            {"namespace": "carrel", "notebook": {"port": "8888"}},
            r"Expected `int`, got `str` - at `\$.notebook.port`",
        ),
        ({"namespace": "carrel", "identity": {"mode": "magic"}}, "Invalid enum value 'magic'"),
        ({"namespace": "carrel", "identity": {"mode": "federated"}}, "identity.audience is needed"),
        (
            {"namespace": "carrel", "identity": {"principal": "{pod}"}},
            "identity.principal may use the placeholders",
        ),
        ("carrel", "Expected `object`, got `str`"),
    ],
)
def test_a_mistake_is_named(content: object, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        settings.parse(content)


def test_a_file_that_is_no_yaml_or_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    with pytest.raises(SettingsError, match=r"settings\.yaml can't be read"):
        settings.load(file)
    file.write_text("{")
    with pytest.raises(SettingsError, match="it is not YAML"):
        settings.load(file)
