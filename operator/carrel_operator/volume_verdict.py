"""What to say of a Notebook's volumes: whether they are there, how large they are, and why not larger or smaller."""

from carrel_operator.api import Body, Condition, ConditionType, Reason, Volume
from carrel_operator.desired.expansion import actual_size, requested_size
from carrel_operator.obstacles import identity_obstacle
from carrel_operator.quantities import memory, number
from carrel_operator.seen import Seen

_FAILED_GROWTH = frozenset({"ControllerResizeError", "NodeResizeError"})


def volumes_ready(seen: Seen, problem: str | None) -> Condition:
    """The condition VolumesReady; ``problem`` is what was answered when the home was asked to grow."""
    kind = ConditionType.VOLUMES_READY
    refusal = identity_obstacle(seen)
    if refusal and refusal.reason is Reason.HOME_OWNER_MISMATCH:
        return Condition(kind, status=False, reason=refusal.reason, message=refusal.message)
    if seen.home is None:
        return Condition(
            kind, status=False, reason=Reason.STOPPED, message="The home is made at the first start."
        )
    claim = seen.home["metadata"]["name"]
    phase = claim_phase(seen.home)
    if phase == "Bound":
        return Condition(kind, status=True, reason=Reason.BOUND, message=_bound(seen, seen.home, problem))
    if phase == "Lost":
        message = f"The disk behind the home '{claim}' is gone. Ask an administrator to restore it."
    else:
        message = f"The home '{claim}' waits for its disk."
    return Condition(kind, status=False, reason=Reason.HOME_PENDING, message=message)


def volumes(seen: Seen) -> tuple[Volume, ...]:
    """The claims that the server mounts."""
    if seen.home is None:
        return ()
    name, size = seen.home["metadata"]["name"], actual_size(seen.home)
    return (Volume(name="home", claim=name, phase=claim_phase(seen.home), size=size),)


def _bound(seen: Seen, claim: Body, problem: str | None) -> str:
    """One sentence about a disk that is there, whatever else is wished for it."""
    has_it = f"The home '{claim['metadata']['name']}' has its disk"
    requested, actual, asked = requested_size(claim), actual_size(claim), seen.notebook.home_size
    if problem:
        return f"{has_it} of {memory(actual)}; {problem}."
    if growing := growth(claim):
        return f"{has_it} of {memory(actual)} and {growing}."
    if asked and number(asked) < number(requested):
        return f"{has_it} of {memory(actual)}, more than the {memory(asked)} asked for: a disk never becomes smaller."
    return f"{has_it}."


def growth(claim: Body) -> str | None:
    """Half a sentence about a growth that is under way or failed; None when the claim has got what it asks for."""
    requested = requested_size(claim)
    if number(actual_size(claim)) >= number(requested):
        return None
    for condition in claim.get("status", {}).get("conditions", ()):
        if condition["type"] in _FAILED_GROWTH and condition["status"] == "True":
            why = str(condition.get("message", "")).rstrip(".") or "no reason was given"
            return f"could not grow to {memory(requested)}: {why}"
    return f"is growing to {memory(requested)}"


def claim_phase(claim: Body) -> str:
    """Pending, Bound, Lost or Terminating."""
    if "deletionTimestamp" in claim["metadata"]:
        return "Terminating"
    return str(claim.get("status", {}).get("phase", "Pending"))
