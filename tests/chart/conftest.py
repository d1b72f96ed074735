"""Renders the chart with Helm, for the tests."""

import subprocess
from collections.abc import Callable

import pytest
import yaml

from chart.rendering import CASES, CHART, NAMESPACE, VALUES, Rendered, helm_program


@pytest.fixture(scope="session")
def helm() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Helm with some arguments."""
    program = helm_program()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)

    return run


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
