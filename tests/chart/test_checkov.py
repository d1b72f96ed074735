"""checkov finds nothing in the chart beside what checkov.yaml explains."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from chart.rendering import CASES, Rendered

CHECKOV = "checkov==3.3.30"
CONFIG = Path(__file__).with_name("checkov.yaml")


@pytest.fixture(scope="session")
def checkov() -> Callable[[Path], dict[str, object]]:
    """Run checkov over a folder and return its report."""
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "tool", "run", "--from", CHECKOV, "checkov", f"--config-file={CONFIG}"]

    def run(folder: Path) -> dict[str, object]:
        done = subprocess.run(
            [*command, f"--directory={folder}"], capture_output=True, text=True, check=False, timeout=600
        )
        try:
            report = json.loads(done.stdout)
        except ValueError:
            pytest.fail(f"checkov can't be run (uv installs it when it is first asked for): {done.stderr}")
        assert isinstance(report, dict)
        return report

    return run


def test_no_unexplained_finding(
    checkov: Callable[[Path], dict[str, object]], render: Callable[..., Rendered], tmp_path: Path
) -> None:
    for case in CASES:
        (tmp_path / f"{case}.yaml").write_text(render(case).text)
    planted = render("default").of_kind("Deployment")["hub"]
    planted["metadata"]["name"] = "planted"
    planted["spec"]["template"]["spec"]["containers"][0]["securityContext"]["privileged"] = True
    (tmp_path / "planted.yaml").write_text(yaml.safe_dump(planted))
    report = checkov(tmp_path)
    results, summary = report["results"], report["summary"]
    assert isinstance(results, dict)
    assert isinstance(summary, dict)
    assert summary["parsing_errors"] == 0
    found = [f"{each['check_id']} {each['resource']}" for each in results["failed_checks"]]
    # The planted one shows that it has really looked.
    assert found == ["CKV_K8S_16 Deployment.carrel.planted"]
