"""What the gateway says is left; without a gateway there is no budget, and nobody is told of one."""

import os
from typing import Any

from carrel_lab.queries.sentences import NO_BUDGET, Budget

_SECONDS = 3.0


def ask(client: Any) -> Budget:  # noqa: ANN401 - BigQuery's own, not imported here
    """The budget for what this client pays, asked as the person; never raises."""
    gateway = os.environ.get("BIGQUERY_EMULATOR_HOST", "").rstrip("/")
    if not gateway:
        return NO_BUDGET
    try:
        # The client's own session: it is signed in already. There is no public way to it.
        answer = client._http.get(  # noqa: SLF001
            f"{gateway}/carrel/v1/budget", params={"project": client.project}, timeout=_SECONDS
        )
        return _read(answer.json()) if answer.status_code == 200 else NO_BUDGET
    except Exception:  # noqa: BLE001 - of any library below it; a query is worth more than its price tag
        return NO_BUDGET


def _read(said: dict[str, Any]) -> Budget:
    return Budget(
        price_per_tib=float(said["price_per_tib"]),
        currency=str(said["currency"]),
        per_day=said["bytes_per_day"],
        left_today=said["left_today"],
    )
