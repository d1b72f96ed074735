"""What a change is waiting for: pure steps, and the loop that takes them until there is a last word."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from carrel_cli.hub import HubError

_SECONDS_BETWEEN_LOOKS = 1.0
# Between the end of a server and the start of the next there is a moment without any.
_LOOKS_WITHOUT_A_SERVER = 10

_SUCCESS = {"Applied"}
_REFUSAL = {"Infeasible", "Refused", "Pending"}


@dataclass(frozen=True, slots=True)
class Step:
    """What to tell now; ``done`` is None while there is more to come, else whether it went well."""

    message: str
    done: bool | None = None


Look = Callable[[], Step]


def resize_step(sizes: dict[str, Any], wanted: str) -> Step:
    """How far a change to ``wanted`` is."""
    if sizes.get("instance_type") != wanted:
        return Step(f"Meanwhile size '{sizes.get('instance_type')}' was asked for.", done=False)
    if not sizes.get("running"):
        return Step(f"The server does not run; it starts with size '{wanted}' next time.", done=True)
    resize = sizes.get("resize") or {}
    state, message = resize.get("state"), str(resize.get("message") or f"Size '{wanted}' is being applied.")
    if state in _SUCCESS:
        return Step(message, done=True)
    return Step(message, done=False if state in _REFUSAL else None)


def repair_step(project: dict[str, Any]) -> Step:
    """How far the repair of a project's files is."""
    files = project["files"]
    return Step(files["message"], None if files["repairing"] else bool(files["shared"]))


class Restart:
    """Follows a restart by what JupyterHub says of the server."""

    def __init__(self, before: dict[str, Any]) -> None:
        self._started = before.get("started")
        self._without = 0

    def step(self, state: dict[str, Any]) -> Step:
        """How far it is."""
        if not state:
            self._without += 1
            if self._without < _LOOKS_WITHOUT_A_SERVER:
                return Step("Stopping the server.")
            return Step("The server did not start again. Its page in the hub says why.", done=False)
        self._without = 0
        if state.get("pending") == "stop" or state.get("started") == self._started:
            return Step("Stopping the server.")
        if state.get("ready"):
            return Step("The server runs again.", done=True)
        return Step("Starting the server.")


def until_done(look: Look, tell: Callable[[str], None], seconds: float) -> bool:
    """Look again and again, and tell each new sentence once; whether it went well in the time given."""
    deadline = time.monotonic() + seconds
    told = ""
    while True:
        try:
            step = look()
        except HubError as error:
            if 400 <= error.status < 500:
                raise
            step = Step(str(error))  # a hub that is away for a moment
        if step.message != told:
            tell(step.message)
            told = step.message
        if step.done is not None:
            return step.done
        if time.monotonic() >= deadline:
            tell(f"Not done after {seconds:.0f} seconds; it goes on without this command.")
            return False
        time.sleep(_SECONDS_BETWEEN_LOOKS)
