"""Whether anybody answers where queries go: BigQuery's own client would try for ten minutes and say nothing."""

import os
import socket
import time
from urllib.parse import urlsplit

from carrel_lab.queries.errors import GatewayAwayError

_PATIENCE = 20.0  # seconds; a gateway that is replaced by a new one is back by then
_PAUSE = 0.5
_SECONDS_TO_CONNECT = 3.0
_FRESH = 5.0  # seconds that an answer of "away" is good for: what follows it in a cell need not wait too

_away_since: dict[str, float] = {}


def check(patience: float = _PATIENCE) -> None:
    """Wait until somebody answers; where queries go to Google itself there is nobody to ask.

    Raises:
        GatewayAwayError: nobody did.
    """
    address = os.environ.get("BIGQUERY_EMULATOR_HOST", "")
    parts = urlsplit(address)
    if not parts.hostname:
        return
    began = time.monotonic()
    known = began - _away_since.get(address, float("-inf")) < _FRESH
    deadline = began if known else began + patience
    while not _answers(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)):
        if time.monotonic() >= deadline:
            _away_since[address] = time.monotonic()
            raise GatewayAwayError(
                f"Nothing answers at {address}, where this notebook's queries go, so the query was not sent. "
                "Try again in a minute; if it lasts, tell your administrator (carrel-doctor names the broken link)."
            )
        time.sleep(_PAUSE)
    _away_since.pop(address, None)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), _SECONDS_TO_CONNECT).close()
    except OSError:
        return False
    return True
