"""A real API server takes everything that the chart renders, and knows every field of it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from chart.rendering import CASES, Rendered


@pytest.mark.cluster
@pytest.mark.parametrize("case", CASES)
def test_the_api_server_knows_every_field(render: Callable[..., Rendered], case: str, tmp_path: Path) -> None:
    assert os.environ.get("KUBECONFIG"), "Set KUBECONFIG to a cluster that has Carrel."
    file = tmp_path / "rendered.yaml"
    # Not where Carrel may run already: its objects would be merged with these.
    file.write_text(render(case, "--namespace=default").text)
    done = subprocess.run(
        [
            *("kubectl", "apply", "--server-side", "--force-conflicts", "--field-manager=carrel-test"),
            *("--dry-run=server", "--validate=strict", f"--filename={file}"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
