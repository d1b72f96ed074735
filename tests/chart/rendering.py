"""What Helm makes of the chart, as the tests look at it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "carrel"
VALUES = Path(__file__).parent / "values"
CASES = sorted(file.stem for file in VALUES.glob("*.yaml"))
NAMESPACE = "carrel"

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
