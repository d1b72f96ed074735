"""Why no pod may be made for a Notebook, as a chain of predicates over what is seen; the first that speaks wins."""

from carrel_operator import api, names
from carrel_operator.api import Reason
from carrel_operator.catalogue import Refusal
from carrel_operator.seen import Seen


def obstacle(seen: Seen) -> Refusal | None:
    """The first thing that forbids a pod, with a sentence that says what to do; None when a pod may be made."""
    for predicate in (identity_obstacle, _foreign_pod, _catalogue):
        if refusal := predicate(seen):
            return refusal
    return None


def identity_obstacle(seen: Seen) -> Refusal | None:
    """Why this Notebook may not touch what belongs to its owner; None when it is who it says it is."""
    return _name_mismatch(seen) or _home_of_another(seen)


def _name_mismatch(seen: Seen) -> Refusal | None:
    notebook = seen.notebook
    right = names.notebook(notebook.owner, notebook.server)
    if notebook.name == right:
        return None
    server = f", server '{notebook.server}'" if notebook.server else ""
    return Refusal(
        Reason.NAME_MISMATCH,
        f"The notebook of '{notebook.owner}'{server} must be named '{right}', not '{notebook.name}'. "
        "Delete this one and create it under the right name.",
    )


def _home_of_another(seen: Seen) -> Refusal | None:
    if seen.home is None:
        return None
    metadata = seen.home["metadata"]
    owner = metadata.get("annotations", {}).get(api.OWNER_ANNOTATION)
    if owner == seen.notebook.owner:
        return None
    name = metadata["name"]
    belongs = f"belongs to '{owner}'" if owner else "says nobody owns it"
    return Refusal(
        Reason.HOME_OWNER_MISMATCH,
        f"The claim '{name}' {belongs}, not to '{seen.notebook.owner}'. If it is right, an administrator sets its "
        f"annotation {api.OWNER_ANNOTATION} to '{seen.notebook.owner}'; else it has to be removed or renamed.",
    )


def _foreign_pod(seen: Seen) -> Refusal | None:
    if seen.pod is None or seen.pod.owner_uid is not None:
        return None
    return Refusal(
        Reason.REFUSED,
        f"A pod named '{seen.pod.body['metadata']['name']}' that Carrel did not make is in the way. "
        "Ask an administrator to remove it.",
    )


def _catalogue(seen: Seen) -> Refusal | None:
    return seen.refusal
