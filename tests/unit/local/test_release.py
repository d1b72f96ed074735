"""What the chart is told on this machine, and what is said of pods that do not start."""

import json
import re
from pathlib import Path

import pytest

from carrel_local import demo, images, network, release
from carrel_local import instance as instances
from carrel_local.instance import Instance

HERE = Instance("carrel-test", 1)


def image(name: str) -> images.Image:
    return images.Image(name, Path("Dockerfile"), Path(), "0123456789abcdef")


CATALOGUE = {name: image(name) for name in images.FIRST}


def test_the_values_name_every_image_and_the_instances_own_addresses() -> None:
    text = json.dumps(values := release.values(HERE, CATALOGUE, dict.fromkeys(demo.PEOPLE, "secret")))
    for name in set(images.FIRST) - {"pause", "base"}:
        assert f"localhost/carrel-{name}" in text
    assert values["identityProvider"]["publicUrl"] == "http://localhost:8101"
    assert values["identityProvider"]["users"]["grace"]["groups"] == ["platform-admins"]


def test_passwords_are_made_once_differ_and_are_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instances, "STATES", tmp_path)
    HERE.state.mkdir()
    made = demo.passwords(HERE)
    assert demo.passwords(HERE) == made
    assert len(set(made.values())) == len(demo.PEOPLE)
    assert [oct(file.stat().st_mode & 0o777) for file in HERE.state.iterdir()] == ["0o600"]


def test_a_pod_that_does_not_start_says_why() -> None:
    ready = {"metadata": {"name": "hub"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
    stuck = {
        "metadata": {"name": "identity"},
        "status": {
            "conditions": [{"type": "Ready", "status": "False", "message": "containers with unready status"}],
            "containerStatuses": [{"state": {"waiting": waiting}}],
        },
    }
    assert release.lacks_an_image([ready, stuck])
    assert not release.lacks_an_image([ready])
    assert release.complaints([ready, stuck]) == [
        "identity: containers with unready status; ImagePullBackOff Back-off pulling image"
    ]


def test_the_machines_rules_bear_the_instances_name_and_touch_its_subnet_only() -> None:
    text = json.dumps(network.ruleset(HERE))
    assert set(re.findall(r'"(?:table|name)": "(carrel[^"]*)"', text)) == {"carrel-carrel-test"}
    assert all("10.231.1.0/30" in rule and "carrel-carrel-test" in rule for rule in network.accepts(HERE))


def test_the_machines_pip_settings_reach_the_builds(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\ncert = /etc/ssl/certs/ca-certificates.crt\nindex-url = https://a.example/simple\n"
    )
    text = images.pip_configuration(
        {"PIP_INDEX_URL": "https://b.example/100%25/simple"}, [file, tmp_path / "none"]
    )
    assert "cert = /etc/ssl/certs/ca-certificates.crt" in text
    assert "index-url = https://b.example/100%25/simple" in text
    assert "a.example" not in text
