"""Why no pod may be made for a Notebook, as a chain of predicates over what is seen; the first that speaks wins."""

from carrel_operator import api, names
from carrel_operator.api import Reason
from carrel_operator.catalogue import Refusal
from carrel_operator.seen import Seen


def obstacle(seen: Seen) -> Refusal | None:
    """The first thing that forbids a pod, with a sentence that says what to do; None when a pod may be made."""
    for predicate in (identity_obstacle, _foreign_pod, _catalogue, _files_of_team):
        if refusal := predicate(seen):
            return refusal
    return None


def identity_obstacle(seen: Seen) -> Refusal | None:
    """Why this Notebook may not touch what belongs to its owner; None when it is who it says it is."""
    return _name_mismatch(seen) or team_obstacle(seen) or _home_of_another(seen)


def team_obstacle(seen: Seen) -> Refusal | None:
    """Why this is not the server of the project that it names; None for one that is, and for a person's."""
    notebook = seen.notebook
    project, owner = notebook.project, names.team(notebook.project)
    if notebook.owner.startswith(names.TEAM) and not project:
        named = names.project_of(notebook.owner)
        message = f"The owner '{notebook.owner}' is no person: the server of project '{named}' says so in spec.project."
        return Refusal(Reason.NOT_A_MEMBER, message)
    if not project or seen.team:
        return None
    if notebook.owner != owner:
        message = (
            f"The server of project '{project}' belongs to '{owner}', and '{notebook.owner}' is not the project. "
            "Its members open it from the hub's home page."
        )
        return Refusal(Reason.NOT_A_MEMBER, message)
    message = f"There is no project '{project}', so it has no server. Ask an administrator if it was removed by mistake."
    return Refusal(Reason.UNKNOWN_PROJECT, message)


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


def _files_of_team(seen: Seen) -> Refusal | None:
    if seen.team is None or any(each.gid is not None for each in seen.memberships):
        return None
    said = seen.team.project.status.message or "Its volume is being made."
    return Refusal(
        Reason.VOLUME_PENDING, f"The files of project '{seen.team.project.name}' are not ready. {said}"
    )
