"""Growth by itself: to the size that the present one names, if the hub allows it and it applies without a restart."""

import logging
import time
from collections.abc import Callable
from typing import Any

from carrel_lab.guard.hub import Hub, HubError
from carrel_lab.guard.notices import Kind, Notices, size

log = logging.getLogger(__name__)

_WAITING = frozenset({"InProgress"})
_SECONDS = 10.0


class Growth:
    """Asks the hub for the next size."""

    def __init__(
        self, hub: Hub | None, notices: Notices, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._hub, self._notices, self._pause = hub, notices, pause

    def grow(self, limit: int) -> bool:
        """Ask for the next size, and wait until it is clear that it comes; False if it does not."""
        if self._hub is None:
            return False
        try:
            following = _next(self._hub.sizes(), limit)
            if following is None:
                return False
            name = following["display_name"] or following["name"]
            sentence = (
                f"Memory is running out, so the server grows to {name} ({size(following['memory_bytes'])})."
            )
            self._notices.say(Kind.GROWING, sentence)
            return self._comes(self._hub, self._hub.change(following["name"]))
        except HubError as error:
            self._notices.say(Kind.WARNING, f"The server could not grow by itself. {error.message}")
            return False

    def _comes(self, hub: Hub, answer: dict[str, Any]) -> bool:
        """Whether the size is applied, or at least nothing stands against it."""
        deadline = time.monotonic() + _SECONDS
        while (answer.get("resize") or {}).get("state") in _WAITING and time.monotonic() < deadline:
            self._pause(0.2)
            answer = hub.sizes()
        resize = answer.get("resize") or {}
        if resize.get("state") == "Applied":
            return True
        self._notices.say(
            Kind.WARNING, f"The server could not grow by itself. {resize.get('message', '')}".strip()
        )
        return False


def _next(sizes: dict[str, Any], limit: int) -> dict[str, Any] | None:
    """The size to grow to, if it applies live and is larger than what there is."""
    by_name = {each["name"]: each for each in sizes["sizes"]}
    grow_to = by_name.get(sizes["instance_type"], {}).get("grow_to")
    following: dict[str, Any] | None = by_name.get(grow_to)
    return following if following and following["live"] and following["memory_bytes"] > limit else None
