"""Reading plain objects with errors that name the field."""

from collections.abc import Mapping
from typing import Any

Body = Mapping[str, Any]


class InvalidObjectError(ValueError):
    """An object does not have the shape its CRD promises; the message names the field."""


def mapping(body: Body, key: str, where: str = "") -> Body:
    """The mapping at that key; ``where`` is the path of ``body``."""
    value = body.get(key)
    if not isinstance(value, Mapping):
        message = f"{where}{key} is missing"
        raise InvalidObjectError(message)
    return value


def text(body: Body, key: str, where: str = "") -> str:
    """The text at that key; ``where`` is the path of ``body``."""
    value = body.get(key)
    if not isinstance(value, str) or not value:
        message = f"{where}{key} is missing"
        raise InvalidObjectError(message)
    return value
