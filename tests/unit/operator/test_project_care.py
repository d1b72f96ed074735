"""When a project's files are looked through, how a repair goes on in rounds, and what the team is told."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carrel_operator.api import Project
from carrel_operator.desired.project_care import Care, care
from carrel_operator.files_verdict import files_shared
from carrel_operator.project_seen import ProjectSeen
from carrel_operator.project_survey import Survey
from unit.operator.test_projects import PLAIN, READY, TELL, World, body, claim

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
PEOPLE = {20_001: "ada", 20_002: "alan"}


def looked(hours_ago: float = 1.0, **fields: Any) -> Survey:
    at = (NOW - timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Survey(at, **fields)


def world(survey: Survey | None = None, *, asked: str = "", done: str = "") -> ProjectSeen:
    seen_claim = claim()
    marks = {"carrel.dev/survey": survey.text() if survey else "", "carrel.dev/repair": done}
    seen_claim["metadata"]["annotations"] |= {key: value for key, value in marks.items() if value}
    project = body()
    project["metadata"]["annotations"] = {"carrel.dev/repair": asked} if asked else {}
    return replace(READY, project=Project.parse(project), claim=seen_claim)


def wanted(seen: ProjectSeen, *, in_use: bool = True, now: datetime = NOW) -> Care:
    return care(seen, PLAIN, now, in_use=in_use)


def steps(found: Care) -> list[str]:
    assert found.pod
    spec = found.pod["spec"]
    return [each["name"] for each in (*spec.get("initContainers", ()), *spec["containers"])]


def ended(found: Care, **words: Any) -> dict[str, Any]:
    """The pod as it is when it has ended with these last words."""
    assert found.pod
    terminated = {"finishedAt": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"), "message": json.dumps(words)}
    status = {"phase": "Succeeded", "containerStatuses": [{"state": {"terminated": terminated}}]}
    return found.pod | {"status": status}


@pytest.mark.parametrize(
    ("survey", "in_use", "looks", "again_in_hours"),
    [
        (None, True, True, None),
        (None, False, False, 1),
        (looked(1), True, False, 23),
        (looked(24), True, True, None),
        (looked(24), False, False, 1),
        (looked(-1), True, True, None),
        (replace(looked(), at="yesterday"), True, True, None),
    ],
    ids=["new", "new and unused", "fresh", "a day old", "old and unused", "of tomorrow", "no time at all"],
)
def test_files_in_use_are_looked_through_once_a_day(
    survey: Survey | None, in_use: bool, looks: bool, again_in_hours: int | None
) -> None:
    found = wanted(world(survey), in_use=in_use)
    assert (found.pod is not None) is looks
    assert found.look_again_in == (again_in_hours * 3600 if again_in_hours else None)


def test_zero_hours_mean_never() -> None:
    never = replace_projects(0)
    assert care(world(), never, NOW, in_use=True) == Care({})


def replace_projects(hours: float) -> Any:
    import msgspec  # noqa: PLC0415 - here alone

    projects = msgspec.structs.replace(PLAIN.projects, check_every_hours=hours)
    return msgspec.structs.replace(PLAIN, projects=projects)


def test_a_repair_mends_under_the_number_of_each_owner_that_is_a_person() -> None:
    found = wanted(world(looked(odd=3, owners=(20_001, 0, 20_002)), asked="t1"))
    assert steps(found) == ["mend-20001", "mend-20002", "mend", "take-over", "survey"]
    assert found.pod
    spec = found.pod["spec"]
    assert [each["securityContext"].get("runAsUser") for each in spec["initContainers"]] == [
        20_001,
        20_002,
        None,
        None,
    ]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["supplementalGroups"] == [20_005]


def test_a_repair_ends_when_another_round_would_change_nothing() -> None:
    seen = world(asked="t1")
    first = wanted(seen)
    assert steps(first) == ["mend", "take-over", "survey"]
    recorded = wanted(replace(seen, carer=ended(first, odd=2, owners=[20_001])))
    assert recorded.marks.get("carrel.dev/repair") is None, "there is more to do"
    survey = Survey.parse(recorded.marks["carrel.dev/survey"])
    assert survey
    assert (survey.round, survey.repair, survey.odd) == (1, "t1", 2)

    second = wanted(world(survey, asked="t1"))
    assert steps(second) == ["mend-20001", "mend", "take-over", "survey"]
    done = wanted(replace(world(survey, asked="t1"), carer=ended(second, odd=0)))
    assert done.marks["carrel.dev/repair"] == "t1"

    stuck = wanted(replace(world(survey, asked="t1"), carer=ended(second, odd=2, owners=[20_001])))
    assert stuck.marks["carrel.dev/repair"] == "t1", "nothing was mended, so nothing will be"
    strangers = wanted(replace(seen, carer=ended(first, odd=1, owners=[0])))
    assert strangers.marks["carrel.dev/repair"] == "t1"
    assert wanted(world(survey, asked="t1", done="t1")).pod is None


def test_what_was_found_is_recorded_before_the_pod_goes() -> None:
    seen = world()
    pod = ended(wanted(seen), odd=0)
    first = wanted(replace(seen, carer=pod))
    assert first.pod_goes is False
    survey = Survey.parse(first.marks["carrel.dev/survey"])
    assert wanted(replace(world(survey), carer=pod)).pod_goes is True


@pytest.mark.parametrize(
    ("status", "complaint"),
    [
        ({"phase": "Failed", "message": "Pod was active too long"}, "Pod was active too long"),
        ({"phase": "Failed"}, "it ended without an answer"),
        (
            {"phase": "Succeeded", "containerStatuses": [{"state": {"terminated": {"message": "[1]"}}}]},
            "it ended without an answer",
        ),
    ],
)
def test_a_pod_that_ends_without_an_answer_is_told_and_ends_the_repair(
    status: dict[str, Any], complaint: str
) -> None:
    seen = world(asked="t1")
    found = wanted(seen)
    assert found.pod
    pod = found.pod | {"status": status}
    pod["metadata"]["creationTimestamp"] = "2026-11-27T12:00:00Z"
    marks = wanted(replace(seen, carer=pod)).marks
    survey = Survey.parse(marks["carrel.dev/survey"])
    assert survey
    assert (survey.complaint, marks["carrel.dev/repair"]) == (complaint, "t1")


EXAMPLE = {"path": "deep/file", "uid": 20_001, "mode": "600"}
ONE = Survey.parse(
    json.dumps({"at": "2026-11-27T11:00:00Z", "odd": 1, "owners": [20_001], "examples": [EXAMPLE]})
)
assert ONE
SENTENCES = {
    "never looked": (None, {}, None),
    "all well": (looked(), {}, "The team can read and change every file."),
    "one": (
        ONE,
        {},
        (
            "1 file or folder is not the team's to use, such as 'deep/file' (ada, mode 600). "
            "To mend that: carrel project repair sales."
        ),
    ),
    "of nobody": (
        replace(looked(odd=2, owners=(0,)), repair="t1"),
        {"asked": "t1", "done": "t1"},
        (
            "2 files or folders are not the team's to use. "
            "A repair could not change that: their owners or an administrator have to."
        ),
    ),
    "hidden": (
        looked(hidden=1),
        {},
        "1 folder can't be looked into. To mend that: carrel project repair sales.",
    ),
    "under way": (looked(), {"asked": "t1"}, "The files are being mended."),
    "failed": (
        looked(complaint="no room"),
        {},
        "The files could not be looked through (no room). Try: carrel project repair sales.",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_what_the_team_is_told(case: str) -> None:
    survey, marks, sentence = SENTENCES[case]
    condition = files_shared(world(survey, **marks), PEOPLE)
    assert (condition.message if condition else None) == sentence
    if condition:
        assert condition.status is (case == "all well")


def test_marks_that_are_not_ours_are_none() -> None:
    for text in ("", "x", "[]", "{}", '{"at": 1, "odd": "x"}', '{"at": "x", "examples": [1]}'):
        assert Survey.parse(text) is None, text


async def test_a_look_and_a_repair_from_end_to_end() -> None:
    cluster = World()
    await cluster.settle()
    cluster.change(CLAIM, status={"phase": "Bound", "capacity": {"storage": "50Gi"}})
    cluster.change(PREPARER, status={"phase": "Succeeded"})
    await cluster.settle()
    cluster.cache.forget(cluster.server.deleted[-1])
    asked = cluster.server.objects[PATH]
    asked["metadata"]["annotations"] = {"carrel.dev/repair": "now"}
    cluster.server.put(PATH, asked)
    assert await cluster.settle() == ["POST pods", TELL]
    assert await cluster.settle() == []
    last_words = {"finishedAt": "2026-11-27T12:00:00Z", "message": json.dumps({"odd": 0})}
    cluster.change(
        CARER,
        status={"phase": "Succeeded", "containerStatuses": [{"state": {"terminated": last_words}}]},
    )
    assert await cluster.settle() == [
        "PATCH persistentvolumeclaims/project-sales",
        "DELETE pods/care-sales",
        TELL,
    ]
    cluster.cache.forget(cluster.server.deleted[-1])
    assert await cluster.settle() == []


PATH = "/apis/carrel.dev/v1/namespaces/carrel/projects/sales"
CLAIM = "/api/v1/namespaces/carrel/persistentvolumeclaims/project-sales"
PREPARER = "/api/v1/namespaces/carrel/pods/prepare-sales"
CARER = "/api/v1/namespaces/carrel/pods/care-sales"
