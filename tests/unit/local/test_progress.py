"""Steps speak on a terminal and in a file alike."""

import io

import pytest
from rich.console import Console

from carrel_local.progress import Progress, elapsed


@pytest.mark.parametrize(("seconds", "text"), [(0.44, "0.4 s"), (12.4, "12 s"), (432, "7 min 12 s")])
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert elapsed(seconds) == text


def test_a_file_gets_one_plain_line_per_step_that_ends_well_or_badly() -> None:
    out = io.StringIO()
    with Progress(Console(file=out, width=100)) as progress:
        with progress.step("Building [x] 1") as step:
            step.say("half way")
        with pytest.raises(RuntimeError), progress.step("Installing"):
            raise RuntimeError
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("✓ Building [x] 1 0.")
    assert lines[1].startswith("✗ Installing after 0.")
    assert "\x1b" not in out.getvalue()
