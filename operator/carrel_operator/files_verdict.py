"""What to say of a project's files: whether the team can use all of them, and what mends it if not."""

from collections.abc import Mapping

from carrel_operator.api import Condition, ConditionType, Reason
from carrel_operator.project_seen import ProjectSeen
from carrel_operator.project_survey import Survey


def files_shared(seen: ProjectSeen, people: Mapping[int, str]) -> Condition | None:
    """The condition FilesShared; None before the files were first looked through. ``people`` by their number."""
    survey = seen.survey
    if seen.repair_wanted and seen.prepared:
        left = f" {_odd(survey, people)}" if survey and survey.odd else ""
        return _no(Reason.REPAIRING, f"The files are being mended.{left}")
    if survey is None:
        return None
    if survey.complaint:
        message = f"The files could not be looked through ({survey.complaint}). Try: {_command(seen)}."
        return _no(Reason.NOT_CHECKED, message)
    if not survey.odd and not survey.hidden:
        return Condition(
            ConditionType.FILES_SHARED,
            status=True,
            reason=Reason.SHARED,
            message="The team can read and change every file.",
        )
    return _no(Reason.NOT_SHARED, f"{_odd(survey, people)} {_remedy(seen, survey)}")


def _odd(survey: Survey, people: Mapping[int, str]) -> str:
    if not survey.odd:
        return f"{_count(survey.hidden, 'folder')} can't be looked into."
    examples = ", ".join(
        f"'{each.path}' ({people.get(each.uid, f'uid {each.uid}')}, mode {each.mode})"
        for each in survey.examples
    )
    which = f", such as {examples}" if examples else ""
    verb = "is" if survey.odd == 1 else "are"
    return f"{_count(survey.odd, 'file or folder', 'files or folders')} {verb} not the team's to use{which}."


def _remedy(seen: ProjectSeen, survey: Survey) -> str:
    if survey.repair and survey.repair == seen.repaired:
        return "A repair could not change that: their owners or an administrator have to."
    return f"To mend that: {_command(seen)}."


def _command(seen: ProjectSeen) -> str:
    return f"carrel project repair {seen.project.name}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _no(reason: Reason, message: str) -> Condition:
    return Condition(ConditionType.FILES_SHARED, status=False, reason=reason, message=message)
