"""What to say of a project's repository."""

from carrel_operator.api import Condition, ConditionType, Reason
from carrel_operator.project_seen import ProjectSeen


def repository_cloned(seen: ProjectSeen) -> Condition | None:
    """The condition RepositoryCloned; None for a project that names none."""
    repository, cloning = seen.project.repository, seen.cloning
    if repository is None:
        return None
    place = f"~/projects/{seen.project.name}/{repository.folder}"
    if cloning is None:
        return _condition(
            Reason.CLONING, f"{repository.url} is cloned into {place} when the files are ready."
        )
    if cloning.done:
        return _condition(Reason.CLONED, f"{repository.url} was cloned into {place}.")
    due = cloning.next_try()
    again = f" It is tried again at {due:%H:%M} UTC." if due else ""
    message = (
        f"{repository.url} could not be cloned: {cloning.complaint}.{again} "
        f"If the address is wrong: kubectl edit project {seen.project.name} -n {seen.project.metadata.namespace}."
    )
    return _condition(Reason.CLONE_FAILED, message)


def _condition(reason: Reason, message: str) -> Condition:
    return Condition(
        ConditionType.REPOSITORY_CLONED, status=reason is Reason.CLONED, reason=reason, message=message
    )
