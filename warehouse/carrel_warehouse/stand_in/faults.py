"""Faults on demand: the label of a query says how its call ends, to try what waits for a warehouse on a bad day.

`http_429`, `http_500` and `http_503` answer so, each time; `http_500_2` the first two times, and then the query runs.
`hang` does not answer.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping

from aiohttp import web

from carrel_warehouse.stand_in.errors import api_error

LABEL = "stand_in_fault"
_FORM = re.compile(r"(?P<fault>http_429|http_500|http_503|hang)(?:_(?P<times>[1-9][0-9]?))?")
_HANGING = 3600.0  # seconds; who waits longer has had its fault
# The reasons and status names that BigQuery's documentation gives to these codes.
_ANSWERS = {
    "http_429": (429, "rateLimitExceeded", "RESOURCE_EXHAUSTED"),
    "http_500": (500, "internalError", "INTERNAL"),
    "http_503": (503, "backendError", "UNAVAILABLE"),
}


class Faults:
    """What was asked for, and how often each person has had it."""

    def __init__(self) -> None:
        self._had: Counter[tuple[str, str]] = Counter()

    async def strike(self, person: str, labels: object) -> web.Response | None:
        """The answer that the labels of a query ask for; None for the query to run."""
        asked = labels.get(LABEL) if isinstance(labels, Mapping) else None
        form = _FORM.fullmatch(asked) if isinstance(asked, str) else None
        if form is None:
            return None
        if form["times"]:
            self._had[person, form[0]] += 1
            if self._had[person, form[0]] > int(form["times"]):
                del self._had[person, form[0]]
                return None
        if form["fault"] == "hang":
            await asyncio.sleep(_HANGING)
            return _answer("http_503", form[0])
        return _answer(form["fault"], form[0])


def _answer(fault: str, asked: str) -> web.Response:
    status, reason, name = _ANSWERS[fault]
    return api_error(status, f"The label {LABEL}={asked} asked the stand-in for this answer.", reason, name)
