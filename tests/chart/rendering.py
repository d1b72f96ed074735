"""What Helm makes of the chart, as the tests look at it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "carrel"
VALUES = Path(__file__).parent / "values"
CASES = sorted(file.stem for file in VALUES.glob("*.yaml"))
NAMESPACE = "carrel"

BUILT = Path("/var/cache/carrel/programs")  # where `make up` builds Helm

# A Kubernetes object as YAML gives it.
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """What Helm makes of the chart and one file of values."""

    name: str
    text: str
    objects: tuple[Manifest, ...]

    def of_kind(self, kind: str) -> dict[str, Manifest]:
        return {each["metadata"]["name"]: each for each in self.objects if each["kind"] == kind}

    def pods(self) -> dict[str, Manifest]:
        """The pod specs of all Deployments, with their labels."""
        return {name: each["spec"]["template"] for name, each in self.of_kind("Deployment").items()}

    def containers(self) -> list[tuple[str, Manifest]]:
        return [(name, each) for name, pod in self.pods().items() for each in pod["spec"]["containers"]]


def helm_program() -> str:
    """The path of the Helm that `make up` built, or of another."""
    built = sorted(BUILT.glob("helm-*/helm"), key=lambda each: each.stat().st_mtime, reverse=True)
    found = os.environ.get("HELM") or (str(built[0]) if built else shutil.which("helm"))
    if not found:
        pytest.fail("These tests need Helm: run `make up` once, which builds it, or set HELM to its path.")
    return found
