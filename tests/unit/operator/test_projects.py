"""What a Project should have, who may mount it, and what becomes of a server whose owner may no longer."""

from dataclasses import replace
from typing import Any

import pytest

from carrel_operator.api import InvalidObjectError, Notebook, Project, Role, Status
from carrel_operator.cache import Cache
from carrel_operator.desired import PodFate, desired_set
from carrel_operator.desired.membership import membership_notice
from carrel_operator.desired.project import project_set
from carrel_operator.membership_verdict import membership_valid
from carrel_operator.places import Key
from carrel_operator.project_reconcile import ProjectReconciler
from carrel_operator.project_seen import Membership, ProjectSeen, membership
from carrel_operator.registry import Registry
from carrel_operator.seen import PodSeen, Seen
from unit.operator.api_server import ApiServer
from unit.operator.worlds import PLAIN, container, home, notebook, pod, seen
from unit.operator.worlds import project_body as body
from unit.operator.worlds import project_claim as claim

PROJECT = Project.parse(body())


@pytest.mark.parametrize(
    ("person", "groups", "role"),
    [
        ("ada", [], Role.EDITOR),
        ("ada", ["analysts"], Role.EDITOR),
        ("ada", ["analysts", "leads"], Role.ADMIN),
        ("alan", ["analysts"], Role.VIEWER),
        ("alan", [], None),
        ("analysts", [], None),
        ("Ada", [], None),
        ("alan", ["ada"], None),
    ],
)
def test_who_may_do_what(person: str, groups: list[str], role: Role | None) -> None:
    assert PROJECT.role_of(person, groups) is role


@pytest.mark.parametrize(
    "member",
    [
        {"role": "editor"},
        {"user": "ada", "group": "g", "role": "editor"},
        {"user": "ada"},
        {"user": "ada", "role": "x"},
    ],
)
def test_members_that_cannot_be_read_are_nobody(member: dict[str, str]) -> None:
    with pytest.raises(InvalidObjectError, match=r"spec\.members"):
        Project.parse(body(members=[member]))


READY = ProjectSeen(PROJECT, 20_005, claim())
MOUNTED = Membership("sales", Role.EDITOR, 20_005, "project-sales")


@pytest.mark.parametrize(
    ("world", "found"),
    [
        (READY, MOUNTED),
        (replace(READY, claim=None), replace(MOUNTED, gid=None, claim="")),
        (replace(READY, claim=claim(phase="Pending")), replace(MOUNTED, gid=None)),
        (replace(READY, claim=claim(prepared="")), replace(MOUNTED, gid=None)),
        (replace(READY, claim=claim(prepared="20004")), replace(MOUNTED, gid=None)),
        (replace(READY, claim=claim(uid="uid-0")), None),
    ],
)
def test_what_a_member_may_mount(world: ProjectSeen, found: Membership | None) -> None:
    assert membership(world, "ada", []) == found
    assert membership(world, "nobody", []) is None


def mounting(*, writable: bool) -> tuple[Notebook, PodSeen]:
    """A notebook at work with a pod that mounts the project."""
    ada = notebook()
    return ada, replace(pod(ada, status=container(running={})), projects={"project-sales": writable})


VIEWER = replace(MOUNTED, role=Role.VIEWER)
UNPREPARED = replace(MOUNTED, gid=None)
FATES = {
    "still a member": (True, (MOUNTED,), PodFate.LEAVE),
    "a viewer now": (True, (VIEWER,), PodFate.DELETE),
    "a viewer still": (False, (VIEWER,), PodFate.LEAVE),
    "an editor now": (False, (MOUNTED,), PodFate.LEAVE),
    "no member any more": (True, (), PodFate.DELETE),
    "of another project now": (True, (replace(MOUNTED, claim="project-x"),), PodFate.DELETE),
    "somebody took the mark off the claim": (True, (UNPREPARED,), PodFate.LEAVE),
}


@pytest.mark.parametrize("case", FATES)
def test_a_server_that_has_too_much_is_made_anew(case: str) -> None:
    writable, memberships, fate = FATES[case]
    ada, at_work = mounting(writable=writable)
    world = seen(ada, home=home(), pod=at_work, memberships=memberships)
    assert desired_set(world, PLAIN).fate is fate
    assert membership_valid(world).status is (fate is PodFate.LEAVE)


def test_not_even_a_size_that_is_gone_keeps_files_of_others_mounted() -> None:
    ada, at_work = mounting(writable=True)
    ada = replace(ada, instance_type="gone")
    assert desired_set(seen(ada, pod=at_work), PLAIN).fate is PodFate.DELETE


def before(*projects: dict[str, object], session: str = "s1") -> Seen:
    status = Status.parse({"session": session, "projects": list(projects)})
    return seen(replace(notebook(), status=status), memberships=(MOUNTED,))


@pytest.mark.parametrize(
    ("world", "sentence"),
    [
        (before({"name": "sales", "writable": True}), ""),
        (
            before({"name": "ops", "writable": True}),
            "The server was restarted, because you are no longer a member of project 'ops'. Files are kept.",
        ),
        (
            before({"name": "ops"}, {"name": "hr"}),
            "The server was restarted, because you are no longer a member of the projects 'ops', 'hr'. Files are kept.",
        ),
        (before({"name": "ops"}, session="s0"), ""),
        (
            replace(before({"name": "sales", "writable": True}), memberships=(VIEWER,)),
            "The server was restarted, because you may only read in project 'sales' now. Files are kept.",
        ),
    ],
)
def test_the_person_reads_why(world: Seen, sentence: str) -> None:
    assert membership_notice(world) == sentence
    made = desired_set(world, PLAIN).pod
    assert made
    assert made["metadata"]["annotations"].get("carrel.dev/notice", "") == sentence


@pytest.mark.parametrize(
    ("role", "writable"), [(Role.VIEWER, False), (Role.EDITOR, True), (Role.ADMIN, True)]
)
def test_what_a_pod_mounts_is_read_from_the_pod_itself(role: Role, writable: bool) -> None:
    made = desired_set(seen(notebook(), memberships=(replace(MOUNTED, role=role),)), PLAIN).pod
    assert made
    made["metadata"]["uid"] = "pod-uid"
    assert PodSeen.parse(made, 1.0, 1.0).projects == {"project-sales": writable}


def test_a_viewer_mounts_what_cannot_be_written() -> None:
    made = desired_set(seen(notebook(), memberships=(VIEWER,)), PLAIN).pod
    assert made
    [mount] = [
        each for each in made["spec"]["containers"][0]["volumeMounts"] if "projects" in each["mountPath"]
    ]
    assert mount == {
        "name": "project-20005",
        "mountPath": "/projects/sales",
        "subPath": "files",
        "readOnly": True,
    }
    assert made["spec"]["securityContext"]["supplementalGroups"] == [20_005]


def test_a_larger_volume_is_asked_for_and_a_smaller_one_never() -> None:
    for size, wanted in (("50Gi", None), ("10Gi", None), ("100Gi", "100Gi")):
        world = replace(READY, project=Project.parse(body(volume={"size": size})))
        assert project_set(world, PLAIN, {}).size == wanted


class World:
    """A cluster with one Project, and the operator that cares for it."""

    def __init__(self) -> None:
        self.server, self.cache = ApiServer(), Cache()
        self.server.put(PATH, body())
        cluster = self.server.cluster()
        registry = Registry(cluster, self.cache, "carrel")
        self.reconciler = ProjectReconciler(cluster, self.cache, PLAIN, registry)

    async def settle(self) -> list[str]:
        """Reconcile until there is nothing left to do; the result is what was written."""
        self.server.writes.clear()
        self.server.show(self.cache)
        while await self.reconciler.reconcile(Key("carrel", "sales")) == 0.0:
            pass
        return list(self.server.writes)

    def change(self, path: str, **fields: Any) -> None:
        self.server.put(path, self.server.objects[path] | fields)

    def message(self) -> str:
        return str(self.server.objects[PATH]["status"]["message"])


PATH = "/apis/carrel.dev/v1/namespaces/carrel/projects/sales"
CLAIM = "/api/v1/namespaces/carrel/persistentvolumeclaims/project-sales"
PREPARER = "/api/v1/namespaces/carrel/pods/prepare-sales"
TELL = "PATCH projects/sales/status"


async def test_a_volume_is_made_and_prepared_once() -> None:
    world = World()
    assert await world.settle() == [
        "POST configmaps",
        "PATCH serviceaccounts/project-sales-20000",
        "POST persistentvolumeclaims",
        "POST pods",
        TELL,
    ]
    assert await world.settle() == []
    world.change(CLAIM, status={"phase": "Bound", "capacity": {"storage": "50Gi"}})
    assert await world.settle() == [TELL]
    assert "is being prepared" in world.message()
    world.change(PREPARER, status={"phase": "Succeeded"})
    done = await world.settle()
    assert done == ["PATCH persistentvolumeclaims/project-sales", "DELETE pods/prepare-sales", TELL]
    assert world.message() == "The volume 'project-sales' of 50 GiB is ready."
    world.cache.forget(world.server.deleted[-1])
    assert await world.settle() == []


async def test_a_new_project_of_an_old_name_gets_another_number_and_no_files() -> None:
    world = World()
    world.server.put(CLAIM, {**claim(uid="uid-0")})
    assert await world.settle() == ["POST configmaps", "PATCH serviceaccounts/project-sales-20000", TELL]
    assert "holds the files of a former project" in world.message()
    status = world.server.objects[PATH]["status"]
    assert "volume" not in status
    there = world.server.objects[CLAIM]
    there["metadata"]["annotations"]["carrel.dev/project-uid"] = "uid-1"
    world.server.put(CLAIM, there)
    assert TELL in await world.settle()
    assert world.server.objects[PATH]["status"]["gid"] == 20_005


async def test_a_project_that_is_going_or_cannot_be_read_is_given_nothing() -> None:
    world = World()
    world.server.put(PATH, body(members=[{"role": "editor"}]))
    assert await world.settle() == [TELL]
    assert "spec.members must name either a user or a group" in world.message()
    going = body()
    going["metadata"]["deletionTimestamp"] = "2026-11-24T00:00:00Z"
    world.server.put(PATH, going)
    assert await world.settle() == []
