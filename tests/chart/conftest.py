"""Renders the chart with Helm, for the tests."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from chart.rendering import CASES, CHART, NAMESPACE, VALUES, Rendered

BUILT = Path("/var/cache/carrel/programs")  # where `make up` builds Helm


@pytest.fixture(scope="session")
def helm() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Helm with some arguments."""
    program = _helm()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)

    return run


def _helm() -> str:
    built = sorted(BUILT.glob("helm-*/helm"), key=lambda each: each.stat().st_mtime, reverse=True)
    found = os.environ.get("HELM") or (str(built[0]) if built else shutil.which("helm"))
    if not found:
        pytest.fail("These tests need Helm: run `make up` once, which builds it, or set HELM to its path.")
    return found


@pytest.fixture(scope="session")
def render(helm: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., Rendered]:
    """Render the chart with one of the files in values/, and more arguments of Helm's."""

    def run(name: str, *arguments: str) -> Rendered:
        done = helm(
            *("template", "carrel", str(CHART), f"--namespace={NAMESPACE}"),
            *(f"--values={VALUES / name}.yaml", *arguments),
        )
        assert done.returncode == 0, done.stderr
        objects = tuple(each for each in yaml.safe_load_all(done.stdout) if each)
        return Rendered(name, done.stdout, objects)

    return run


@pytest.fixture(scope="session", params=CASES)
def rendered(request: pytest.FixtureRequest, render: Callable[..., Rendered]) -> Rendered:
    """The chart with each file in values/."""
    return render(request.param)
