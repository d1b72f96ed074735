"""A project's own server: whose it is, what it has, and that nothing passes for one that isn't."""

from dataclasses import replace
from typing import Any

import pytest

from carrel_operator import concerned, names, notebook_view
from carrel_operator.api import Body, Reason
from carrel_operator.cache import Cache
from carrel_operator.desired import PodFate, desired_set
from carrel_operator.membership_verdict import membership_valid
from carrel_operator.obstacles import obstacle
from carrel_operator.places import Key
from carrel_operator.project_seen import own_membership
from carrel_operator.seen import Seen
from carrel_operator.verdict import verdict
from unit.operator.api_server import ApiServer, operator
from unit.operator.worlds import PLAIN, container, notebook, pod, project, project_body, project_claim, seen

TEAM = notebook("project:sales", project="sales")
ACCOUNT = "project-sales-20005"


def world(**children: Any) -> Seen:
    """The team server of a project that is ready."""
    sales = children.pop("team", project())
    membership = own_membership(sales)
    found = {"team": sales, "memberships": (membership,) if membership else (), "uid": 20_005}
    return seen(TEAM, **(found | children))


def at_work(account: str = ACCOUNT) -> Any:
    running = pod(TEAM, status=container(running={}))
    return replace(running, projects={"project-sales": True}, service_account=account)


REFUSED = {
    "a person says it is the project's": (notebook("ada", project="sales"), Reason.NOT_A_MEMBER),
    "the project's name as a person's": (notebook("project:sales"), Reason.NOT_A_MEMBER),
    "another project's": (notebook("project:hr", project="sales"), Reason.NOT_A_MEMBER),
    "of a project that is not there": (TEAM, Reason.UNKNOWN_PROJECT),
}


@pytest.mark.parametrize("case", REFUSED)
def test_nothing_is_made_for_what_is_no_team_server(case: str) -> None:
    impostor, reason = REFUSED[case]
    wanted = desired_set(seen(impostor), PLAIN)
    assert (wanted.fate, wanted.pod, wanted.home, wanted.service_account) == (PodFate.LEAVE, None, None, None)
    found = membership_valid(seen(impostor))
    assert (found.status, found.reason) == (False, reason)
    assert verdict(seen(impostor), None).message == found.message


def test_the_server_of_a_project_that_is_gone_goes_too() -> None:
    assert desired_set(seen(TEAM, pod=at_work()), PLAIN).fate is PodFate.DELETE
    assert desired_set(world(pod=at_work()), PLAIN).fate is PodFate.LEAVE


def test_a_project_made_again_does_not_take_over_the_server_of_the_former_one() -> None:
    assert desired_set(world(pod=at_work("project-sales-20004")), PLAIN).fate is PodFate.DELETE


NOT_READY = {
    "not prepared": (project_claim(prepared=""), PodFate.LEAVE),
    "of a former project": (project_claim(uid="uid-0"), PodFate.DELETE),
    "without its disk": (project_claim(phase="Pending"), PodFate.LEAVE),
}


@pytest.mark.parametrize("case", NOT_READY)
def test_files_that_are_not_ready_are_waited_for(case: str) -> None:
    claim, fate_at_work = NOT_READY[case]
    found = obstacle(world(team=project(claim)))
    assert found
    assert found.reason is Reason.VOLUME_PENDING
    assert desired_set(world(team=project(claim)), PLAIN).pod is None
    assert desired_set(world(team=project(claim), pod=at_work()), PLAIN).fate is fate_at_work


def test_it_mounts_its_own_files_alone_and_bears_its_own_number() -> None:
    made = desired_set(world(), PLAIN).pod
    assert made
    spec = made["spec"]
    assert spec["serviceAccountName"] == ACCOUNT
    security = spec["securityContext"]
    assert (security["runAsUser"], security["supplementalGroups"]) == (20_005, [20_005])
    claims = {
        each["persistentVolumeClaim"]["claimName"]
        for each in spec["volumes"]
        if "persistentVolumeClaim" in each
    }
    assert claims == {"project-sales", "home-project--sales-20005"}


class World:
    """A cache that has heard of a project, and of two Notebooks."""

    def __init__(self, *owners: Body) -> None:
        self.server, self.cache = ApiServer(), Cache()
        self.cache.accounts = self.cache.accounts.with_project("sales", "uid-1")
        for body in owners:
            self.put(body)

    def put(self, body: Body) -> None:
        metadata = body["metadata"]
        plural = f"{body['kind'].lower()}s"
        self.server.put(f"/apis/carrel.dev/v1/namespaces/carrel/{plural}/{metadata['name']}", dict(body))
        self.server.show(self.cache)


def notebook_body(owner: str, **spec: Any) -> Body:
    name = names.notebook(owner)
    fields = {"owner": owner, "instanceType": "small", "image": "standard", "running": True} | spec
    return {
        "apiVersion": "carrel.dev/v1",
        "kind": "Notebook",
        "metadata": {"name": name, "namespace": "carrel"},
        "spec": fields,
    }


def test_the_groups_of_which_all_may_work_decide_on_sizes_of_the_team_server() -> None:
    there = World(
        project_body(), notebook_body("project:sales", project="sales", ownerGroups=["researchers"])
    )
    huge = {"cpu": {"limit": "64"}, "memory": {"limit": "1Gi"}, "allowedGroups": ["analysts", "researchers"]}
    there.put({"kind": "InstanceType", "metadata": {"name": "small"}, "spec": huge})
    key = Key("carrel", names.notebook("project:sales"))

    def refused() -> Reason | None:
        found = notebook_view.seen(there.cache, key)
        assert found
        return found.refusal.reason if found.refusal else None

    assert refused() is Reason.INSTANCE_TYPE_FORBIDDEN, (
        "viewers' groups and what the Notebook says do not count"
    )
    there.put(
        {"kind": "InstanceType", "metadata": {"name": "small"}, "spec": huge | {"allowedGroups": ["leads"]}}
    )
    assert refused() is Reason.UNKNOWN_IMAGE


def test_who_is_woken_by_the_account_and_the_home_of_a_team() -> None:
    there = World(project_body(), notebook_body("project:sales", project="sales"), notebook_body("sales"))
    team, sales = names.notebook("project:sales"), Key("carrel", "sales")

    def named(kind: str, name: str) -> Body:
        return {"kind": kind, "metadata": {"name": name, "namespace": "carrel"}}

    cache = there.cache
    assert [
        key.name for key in concerned.notebooks(cache, named("ServiceAccount", "project-sales-20000"))
    ] == [team]
    assert [
        key.name
        for key in concerned.notebooks(cache, named("PersistentVolumeClaim", "home-project--sales-20000"))
    ] == [team]
    assert [key.name for key in concerned.notebooks(cache, named("ServiceAccount", "user-sales"))] == [
        "sales"
    ]
    assert concerned.project(cache, named("ServiceAccount", "project-sales-20000")) == sales
    assert concerned.project(cache, named("PersistentVolumeClaim", "home-project--sales-20000")) is None


async def test_a_team_server_is_made_without_a_number_of_its_own() -> None:
    there = World(project_body(), notebook_body("project:sales", project="sales"))
    claim = dict(project_claim(prepared="20000"))
    claim["metadata"]["annotations"]["carrel.dev/gid"] = "20000"
    there.put(claim)
    small = {"cpu": {"limit": "1"}, "memory": {"limit": "1Gi"}}
    there.put({"kind": "InstanceType", "metadata": {"name": "small"}, "spec": small})
    there.put({"kind": "NotebookImage", "metadata": {"name": "standard"}, "spec": {"image": "x"}})
    reconciler = operator(there.server, there.cache)
    name = names.notebook("project:sales")
    await reconciler.reconcile(Key("carrel", name))
    made = sorted(each for each in there.server.writes if "status" not in each)
    assert made == [
        f"PATCH networkpolicies/nb-{name}",
        f"PATCH services/nb-{name}",
        "POST persistentvolumeclaims",
        "POST pods",
    ]
    assert set(there.cache.accounts.people) == set()
