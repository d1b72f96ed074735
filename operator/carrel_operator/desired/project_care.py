"""When a project's files are looked through, and when they are mended; each is one pod that ends by itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from carrel_operator import api, names
from carrel_operator.accounts import FIRST, LAST
from carrel_operator.api import Body
from carrel_operator.desired.volume_pod import VOLUME_PATH, volume_container, volume_pod
from carrel_operator.project_seen import FILES, ProjectSeen
from carrel_operator.project_survey import Survey
from carrel_operator.settings import Settings

_HOUR = 3600.0
_DEADLINE = 6 * 3600  # for volumes of many million files
_MEMORY = "128Mi"


@dataclass(frozen=True, slots=True)
class Care:
    """What should happen to the files now."""

    marks: dict[str, str]  # annotations of the claim
    pod: Body | None = None
    pod_goes: bool = False
    look_again_in: float | None = None


def care(seen: ProjectSeen, settings: Settings, now: datetime, *, in_use: bool) -> Care:
    """The next step of a look or a repair.

    A project is looked through once a day, and only while somebody works in it: what nobody touches does not
    change. A repair goes on in rounds, because what is in a closed folder is seen only when that is open.
    """
    marks = _marks(seen)
    if seen.carer is not None:
        found = Survey.outcome(seen.carer)
        new = _recorded(seen, found) if found else marks
        return Care(new, pod_goes=found is not None and new == marks)
    if not seen.prepared or seen.number is None:
        return Care(marks)
    if seen.repair_wanted:
        return Care(marks, _repairer(seen, seen.number, settings))
    left = _seconds_left(seen, settings, now, in_use=in_use)
    if left == 0:
        return Care(marks, _checker(seen, seen.number, settings))
    return Care(marks, look_again_in=left)


def _seconds_left(seen: ProjectSeen, settings: Settings, now: datetime, *, in_use: bool) -> float | None:
    """Until it is time to look through the files; None for never."""
    every = settings.projects.check_every_hours * _HOUR
    if not every:
        return None
    left = every - (seen.survey.age(now) if seen.survey else every)
    return max(left, 0.0 if in_use else _HOUR)


def _marks(seen: ProjectSeen) -> dict[str, str]:
    known = {api.SURVEY_ANNOTATION: seen.survey_text, api.REPAIR_ANNOTATION: seen.repaired}
    return {key: value for key, value in known.items() if value}


def _recorded(seen: ProjectSeen, found: Survey) -> dict[str, str]:
    new = _marks(seen) | {api.SURVEY_ANNOTATION: found.text()}
    if found.text() == seen.survey_text:
        return _marks(seen)
    if found.repair and found.ends_the_repair(seen.survey):
        new[api.REPAIR_ANNOTATION] = found.repair
    return new


def _checker(seen: ProjectSeen, number: int, settings: Settings) -> dict[str, Any]:
    return _pod(seen, number, [_step("survey", number, settings)], settings)


def _repairer(seen: ProjectSeen, number: int, settings: Settings) -> dict[str, Any]:
    """Mends under the number of each owner that the last look told of, takes over what is nobody's, looks again."""
    owners = seen.survey.people if seen.survey else ()
    steps = [
        *(_step("mend", number, settings, name=f"mend-{uid}", uid=uid) for uid in owners),
        _step("mend", number, settings),
        _step("take-over", number, settings, "--people", str(FIRST), str(LAST)),
        _step("survey", number, settings),
    ]
    pod = _pod(seen, number, steps, settings)
    pod["metadata"]["annotations"] = {
        api.REPAIR_ANNOTATION: seen.project.repair,
        api.ROUND_ANNOTATION: str(seen.rounds + 1),
    }
    return pod


def _pod(seen: ProjectSeen, number: int, steps: list[dict[str, Any]], settings: Settings) -> dict[str, Any]:
    pod = volume_pod(seen.project, names.carer(seen.project.name), number, steps, settings)
    pod["spec"]["activeDeadlineSeconds"] = _DEADLINE
    # what one mends and takes over is the team's at once, whatever else it is
    pod["spec"]["securityContext"]["supplementalGroups"] = [number]
    return pod


def _step(
    work: str, number: int, settings: Settings, *more: str, name: str = "", uid: int | None = None
) -> dict[str, Any]:
    command = ["python", "-m", "carrel_operator.shared_files", work, f"{VOLUME_PATH}/{FILES}", str(number)]
    return volume_container(name or work, [*command, *more], settings, uid=uid, memory=_MEMORY)
