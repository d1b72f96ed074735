import logging

import pytest
from jupyterhub.utils import format_exception

from carrel_hub.refusal import StartRefused, WithoutTraces


def test_jupyterhubs_pages_show_the_sentence_alone() -> None:
    refused = StartRefused("There is no size 'x'. 100 % sure.", reason="UnknownInstanceType")
    assert format_exception(refused, only_jupyterhub=True) == ("There is no size 'x'. 100 % sure.", None)
    assert (refused.status_code, refused.reason) == (400, "UnknownInstanceType")


@pytest.mark.parametrize(
    ("error", "traced"), [(StartRefused("No.", reason="No"), False), (ValueError("bug"), True)]
)
def test_only_what_is_not_expected_is_logged_with_a_trace(
    error: Exception, traced: bool, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("test_refusal")
    log.addFilter(WithoutTraces())
    try:
        raise error
    except (StartRefused, ValueError):
        log.exception("Failed to spawn")
    assert ("Traceback" in caplog.text) is traced
    assert "Failed to spawn" in caplog.text
