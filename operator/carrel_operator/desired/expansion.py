"""How large a home that exists should become: never smaller, by itself only up to the administrator's cap."""

from decimal import ROUND_CEILING, Decimal

from carrel_operator.api import Body, DiskUse
from carrel_operator.quantities import number
from carrel_operator.seen import Seen
from carrel_operator.settings import Settings

_NEARLY_FULL = Decimal("0.85")
_FACTOR = Decimal("1.5")
_GIBIBYTE = Decimal(1024) ** 3
# A file system keeps some of its volume for itself. One that is larger is shared with others and says nothing of
# this home; one that is much smaller was reported before the home grew.
_SMALLEST, _LARGEST = Decimal("0.8"), Decimal("1.1")
# What was reported before this start may be of long ago, and no disk shrinks again.
_TRUSTED_AFTER = 60.0


def expansion(seen: Seen, settings: Settings) -> tuple[str | None, float | None]:
    """The size to ask for, None where there is nothing to ask; and the seconds until it is time to, if it is not yet.

    A running server's home is at least as large as new homes are. One that stands still is left alone unless
    its own spec names a size, lest a change of the default asks for every home of the cluster at once.
    """
    if seen.home is None:
        return None, None
    asked = seen.notebook.home_size or (settings.home.size if seen.notebook.running else None)
    if asked and number(asked) > number(requested_size(seen.home)):
        return asked, None
    pod = seen.current_pod
    wanted = _grown(seen.home, seen.notebook.home_use, settings.home.max_size)
    if pod is None or not pod.running or wanted is None:
        return None, None
    return (wanted, None) if pod.age >= _TRUSTED_AFTER else (None, _TRUSTED_AFTER - pod.age)


def requested_size(claim: Body) -> str:
    """What a claim asks for."""
    return str(claim["spec"]["resources"]["requests"]["storage"])


def actual_size(claim: Body) -> str:
    """What a claim has got; what it asks for until it has anything."""
    return str(claim.get("status", {}).get("capacity", {}).get("storage") or requested_size(claim))


def _grown(claim: Body, use: DiskUse | None, cap: str | None) -> str | None:
    """Half as much again, in whole GiB, once it is nearly full and no growth is under way."""
    size = number(requested_size(claim))
    if use is None or cap is None or number(actual_size(claim)) < size:
        return None
    if not _SMALLEST * size <= use.file_system <= _LARGEST * size:
        return None
    if use.used < use.file_system * _NEARLY_FULL:
        return None
    larger = (size * _FACTOR / _GIBIBYTE).to_integral_value(ROUND_CEILING)
    wanted = f"{larger}Gi" if larger * _GIBIBYTE < number(cap) else cap
    return wanted if number(wanted) > size else None
