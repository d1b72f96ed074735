"""Where nobody takes queries, a query fails with that reason, and soon."""

import socket
import time

import pytest

from carrel_lab.queries import reach
from carrel_lab.queries.errors import GatewayAwayError


@pytest.fixture
def port() -> int:
    """One at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_nobody_there_is_said_and_what_follows_need_not_wait(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", address)
    with pytest.raises(GatewayAwayError, match=f"Nothing answers at {address}"):
        reach.check(patience=0.2)
    began = time.monotonic()
    with pytest.raises(GatewayAwayError):
        reach.check(patience=60)
    assert time.monotonic() - began < 30
    with socket.create_server(("127.0.0.1", port)):
        reach.check(patience=0)


@pytest.mark.parametrize("address", ["", "nonsense"])
def test_where_google_itself_is_asked_nothing_is_looked_at(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", address)
    reach.check(patience=0)
