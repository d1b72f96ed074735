"""The desired set of several notebooks, whole, against files; and what becomes of each pod that may be seen."""

import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml

from carrel_operator.api import Role
from carrel_operator.desired import DesiredSet, PodFate, desired_set
from carrel_operator.project_seen import Membership
from carrel_operator.seen import Seen
from carrel_operator.settings import Settings
from unit.operator.worlds import FEDERATED, METADATA, PLAIN, container, home, notebook, pod, project, seen

GOLDEN = Path(__file__).parent / "golden"

ADA = notebook()
ADA_LAB = notebook(server="lab")
TEAM = notebook("project:sales", project="sales")
EMAIL = notebook("Ada.Lovelace@example.org", "größe", environmentSecret=None)

CASES = {
    "first-start": (seen(ADA), PLAIN),
    "federated-with-environment": (
        seen(notebook(environmentSecret="nb-ada-env", homeSize="50Gi")),
        FEDERATED,
    ),
    "metadata-server": (seen(ADA), METADATA),
    "gpu-size": (seen(notebook(instanceType="huge", ownerGroups=["researchers"])), PLAIN),
    "second-server-of-a-person": (
        seen(ADA_LAB, relatives=(ADA.metadata, ADA_LAB.metadata), home=home()),
        FEDERATED,
    ),
    "name-that-must-be-hashed": (seen(EMAIL), PLAIN),
    "member-of-projects": (
        seen(
            ADA,
            home=home(),
            memberships=(
                Membership("ops", Role.VIEWER, 20_007, "project-ops"),
                Membership("sales", Role.EDITOR, 20_005, "project-sales"),
                Membership("soon", Role.EDITOR, None, ""),
            ),
        ),
        PLAIN,
    ),
    "server-of-a-project": (
        seen(
            TEAM,
            uid=20_005,
            team=project(),
            memberships=(Membership("sales", Role.EDITOR, 20_005, "project-sales"),),
        ),
        FEDERATED,
    ),
    "rescue-start": (seen(notebook(rescue=True), home=home()), PLAIN),
    "running": (seen(ADA, home=home(), pod=pod(ADA, status=container(running={}))), PLAIN),
}


@pytest.mark.parametrize("name", CASES)
def test_the_desired_set_is_exactly_this(name: str) -> None:
    """CARREL_GOLDEN=write writes the files anew, to be read before they are committed."""
    world, settings = CASES[name]
    wanted = desired_set(world, settings)
    found = {key: value for key, value in asdict(wanted).items() if value is not None}
    found["fate"] = wanted.fate.value
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("CARREL_GOLDEN") == "write":
        path.write_text(yaml.safe_dump(found, sort_keys=True, allow_unicode=True))
    assert found == yaml.safe_load(path.read_text())


CURRENT = pod(ADA)
YOUNG_AND_REFUSED = pod(ADA, age=2.0, status={"node": "n1", "phase": "Failed", "reason": "OutOfmemory"})
FATES: dict[str, tuple[Seen, PodFate]] = {
    "none yet": (seen(ADA), PodFate.CREATE),
    "at work": (seen(ADA, pod=CURRENT), PodFate.LEAVE),
    "of another session": (seen(ADA, pod=pod(ADA, session="s0")), PodFate.DELETE),
    "of a deleted notebook of the same name": (
        seen(ADA, pod=replace(CURRENT, owner_uid="uid-before")),
        PodFate.DELETE,
    ),
    "of another session, already terminating": (
        seen(ADA, pod=pod(ADA, session="s0", deletionTimestamp="2026-11-23T00:00:00Z")),
        PodFate.LEAVE,
    ),
    "deleted by hand": (seen(ADA, pod=pod(ADA, deletionTimestamp="2026-11-23T00:00:00Z")), PodFate.LEAVE),
    "not made by Carrel": (seen(ADA, pod=pod(ADA, ownerReferences=[])), PodFate.LEAVE),
    "evicted": (seen(ADA, pod=pod(ADA, status={"phase": "Failed", "reason": "Evicted"})), PodFate.DELETE),
    "refused by its node just now": (seen(ADA, pod=YOUNG_AND_REFUSED), PodFate.LEAVE),
    "refused by its node a while ago": (seen(ADA, pod=replace(YOUNG_AND_REFUSED, age=31.0)), PodFate.DELETE),
    "shut down from within": (seen(ADA, pod=pod(ADA, status={"phase": "Succeeded"})), PodFate.LEAVE),
    "crashing": (
        seen(ADA, pod=pod(ADA, status=container(waiting={"reason": "CrashLoopBackOff"}))),
        PodFate.LEAVE,
    ),
    "stopped": (seen(notebook(running=False), pod=CURRENT), PodFate.DELETE),
    "stopped and gone": (seen(notebook(running=False)), PodFate.LEAVE),
    "running, size gone from the catalogue": (
        seen(notebook(instanceType="gone"), pod=CURRENT),
        PodFate.LEAVE,
    ),
    "other session, size gone from the catalogue": (
        seen(notebook(instanceType="gone"), pod=pod(ADA, session="s0")),
        PodFate.LEAVE,
    ),
    "size gone from the catalogue, evicted": (
        seen(notebook(instanceType="gone"), pod=pod(ADA, status={"phase": "Failed", "reason": "Evicted"})),
        PodFate.LEAVE,
    ),
    "unknown size": (seen(notebook(instanceType="gone")), PodFate.LEAVE),
    "forbidden size": (seen(notebook(instanceType="huge")), PodFate.LEAVE),
    "unknown image": (seen(notebook(image="gone")), PodFate.LEAVE),
    "wrong name": (seen(notebook("ada", "b-c", name="a-b--c")), PodFate.LEAVE),
    "home of somebody else": (seen(ADA, home=home("ada", **{"carrel.dev/owner": "Ada"})), PodFate.LEAVE),
}


@pytest.mark.parametrize("case", FATES)
def test_what_becomes_of_the_pod(case: str) -> None:
    world, fate = FATES[case]
    assert desired_set(world, PLAIN).fate is fate


@pytest.mark.parametrize(
    "world",
    [
        seen(notebook("ada", "b-c", name="a-b--c")),
        seen(ADA, home=home("ada", **{"carrel.dev/owner": "Ada"})),
        seen(notebook(instanceType="gone")),
        seen(notebook(running=False)),
    ],
)
def test_nothing_is_made_or_touched_for_who_may_not_start(world: Seen) -> None:
    assert desired_set(world, PLAIN) == DesiredSet(fate=PodFate.LEAVE)


def test_a_node_that_refuses_is_asked_again_later() -> None:
    assert desired_set(seen(ADA, pod=YOUNG_AND_REFUSED), PLAIN).look_again_in == 28.0


@pytest.mark.parametrize("settings", [PLAIN, FEDERATED])
def test_people_cannot_reach_into_the_pod(settings: Settings) -> None:
    """Whatever the texts of a notebook are, they end up in annotations and nowhere else."""
    evil = notebook("../../etc', privileged: true", "$(rm -rf ~)", environmentSecret="nb-x-env")
    body = desired_set(seen(evil), settings).pod
    assert body is not None
    assert evil.owner not in yaml.safe_dump({**body, "metadata": {}})
    assert body["spec"]["automountServiceAccountToken"] is False
