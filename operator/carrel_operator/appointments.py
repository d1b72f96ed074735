"""When something is next to be looked at outside the cluster, where no event tells that it has changed."""

import time
from collections.abc import Hashable
from dataclasses import dataclass

_DAY = 86_400.0
_FIRST_DELAY = 1.0
_LONGEST_DELAY = 60.0


@dataclass(frozen=True, slots=True)
class _Appointment:
    what: str
    at: float
    failures: int


class Appointments:
    """One for each key, and for one thing that is wanted there: another wish is due at once."""

    def __init__(self) -> None:
        self._made: dict[Hashable, _Appointment] = {}

    def known(self, key: Hashable, what: str) -> bool:
        """Whether there is one for that wish."""
        made = self._made.get(key)
        return made is not None and made.what == what

    def due_in(self, key: Hashable, what: str) -> float:
        """The seconds until it is time; 0 for what is due."""
        if not self.known(key, what):
            return 0.0
        return max(self._made[key].at - time.monotonic(), 0.0)

    def after_success(self, key: Hashable, what: str) -> float:
        """The seconds until the next look: what is changed by hand over there is mended once a day."""
        return self._make(key, what, _DAY, 0)

    def after_failure(self, key: Hashable, what: str) -> float:
        """The seconds until the next try: more each time, at most a minute."""
        failures = self._made[key].failures if self.known(key, what) else 0
        return self._make(key, what, min(_FIRST_DELAY * 2 ** min(failures, 10), _LONGEST_DELAY), failures + 1)

    def forget(self, key: Hashable) -> None:
        """There is nothing to look at any more."""
        self._made.pop(key, None)

    def _make(self, key: Hashable, what: str, delay: float, failures: int) -> float:
        self._made[key] = _Appointment(what, time.monotonic() + delay, failures)
        return delay
