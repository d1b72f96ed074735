"""Kubernetes quantities as numbers, and as a person says them."""

import re
from decimal import Decimal
from functools import lru_cache

_FORM = re.compile(r"([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?|[eE][+-]?\d{1,2})")
_BINARY = {
    unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)
}
_DECIMAL = {
    unit: Decimal(10) ** power
    for unit, power in {
        "n": -9,
        "u": -6,
        "m": -3,
        "": 0,
        "k": 3,
        "M": 6,
        "G": 9,
        "T": 12,
        "P": 15,
        "E": 18,
    }.items()
}
_UNITS = _BINARY | _DECIMAL
_SIZES = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


@lru_cache(maxsize=4096)
def number(quantity: str) -> Decimal:
    """The value of a quantity such as ``500m``, ``2Gi`` or ``1e3``; ValueError when it is none."""
    match = _FORM.fullmatch(quantity)
    if not match:
        message = f"'{quantity}' is not a quantity; write for example 500m, 2 or 4Gi"
        raise ValueError(message)
    digits, unit = match.groups()
    scale = _UNITS.get(unit)
    return Decimal(digits + unit) if scale is None else Decimal(digits) * scale


def cores(quantity: str) -> str:
    """``500m`` → ``0.5 CPU``."""
    return f"{_plain(number(quantity))} CPU"


def memory(quantity: str) -> str:
    """``16Gi`` → ``16 GiB``; the largest binary unit that leaves at least one."""
    value = number(quantity)
    for unit in reversed(_BINARY):
        if value >= _BINARY[unit]:
            return f"{_plain(value / _BINARY[unit])} {unit}B"
    return f"{_plain(value)} bytes"


def size(number: int) -> str:
    """Bytes as a person says them: ``1.2 GiB``."""
    value, unit = float(number), _SIZES[0]
    for unit in _SIZES:
        if value < 1024 or unit == _SIZES[-1]:
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == _SIZES[0] or value >= 100 else f"{value:.1f} {unit}"


def _plain(value: Decimal) -> str:
    rounded = value.quantize(Decimal("0.1")) if value >= 1 else value.quantize(Decimal("0.001"))
    return format(rounded.normalize(), "f")
