"""Datasets of a project on a real cluster: granted, used, taken back, and nobody held up for ever."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from carrel_operator import names
from carrel_operator.api import GRANTS_FINALIZER
from support import audit
from support.cluster import Kubectl, KubectlError, Person, Platform, eventually, restart, unique
from support.teams import Team

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]
A_WHILE = 20

CLIENT = "import json; from google.cloud import bigquery; client = bigquery.Client(); answer = None\n"
QUERY = """
from google.api_core.exceptions import Forbidden
try:
    answer = list(client.query_and_wait("SELECT n FROM DATASET.numbers"))[0].n
except Forbidden as error:
    answer = "forbidden"
"""


class Owner:
    """A person in whose notebook datasets are made, and looked at as the warehouse has them."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.dataset = unique("grants").replace("-", "_")

    def __call__(self, code: str) -> Any:
        """What the code leaves in ``answer``."""
        return run(self.person, code, self.dataset)

    def make(self) -> None:
        self(
            "client.create_dataset('DATASET')\n"
            "client.query_and_wait('CREATE TABLE DATASET.numbers AS SELECT 7 AS n')"
        )

    def access(self) -> list[dict[str, Any]]:
        return list(self("answer = client.get_dataset('DATASET').to_api_repr()['access']"))

    def granted(self) -> dict[str, str]:
        """The role of each principal that is named by its ServiceAccount."""
        found = {each.get("iamMember", ""): each["role"] for each in self.access()}
        return {
            whom.rpartition(":")[2]: role for whom, role in found.items() if whom.startswith("principal:")
        }


def run(person: Person, code: str, dataset: str) -> Any:
    code = f"{CLIENT}{code}\nprint(json.dumps(answer))".replace("DATASET", dataset)
    return json.loads(person.python(code).splitlines()[-1])


@pytest.fixture
def owner(person: NewPerson, kube: Kubectl) -> Iterator[Owner]:
    if kube.get("deployment", "warehouse") is None:
        pytest.skip("this platform's warehouse is not the stand-in")
    ada = person()
    ada.start()
    made = Owner(ada)
    made.make()
    yield made
    made("client.delete_dataset('DATASET', delete_contents=True, not_found_ok=True)")


@pytest.fixture
def team(kube: Kubectl) -> Iterator[Team]:
    made = Team(kube)
    yield made
    made.remove()


def wants(*datasets: str, role: str = "editor") -> dict[str, Any]:
    return {"datasets": [{"id": each, "role": role} for each in datasets]}


def condition(team: Team) -> dict[str, Any]:
    found = [each for each in team.status().get("conditions", []) if each["type"] == "DatasetsGranted"]
    return found[0] if found else {}


def settled(team: Team) -> None:
    eventually("the grants are made", lambda: condition(team).get("status") == "True", 60)


def test_what_a_project_names_its_members_have_until_they_go(
    owner: Owner, team: Team, person: NewPerson
) -> None:
    before = owner.access()
    alan, grace = person(), person()
    team.apply((alan, "editor"), (grace, "viewer"), warehouse=wants(owner.dataset))
    settled(team)
    number = team.status()["gid"]
    mine, theirs = (names.service_account(each.name) for each in (alan, grace))
    own = names.project_account(team.name, number)
    granted = owner.granted()
    assert {key: granted.get(key) for key in (own, mine, theirs)} == {
        own: "WRITER",
        mine: "WRITER",
        theirs: "READER",
    }
    assert all(each in owner.access() for each in before)
    alan.start()
    assert run(alan, QUERY, owner.dataset) == 7
    team.apply((grace, "viewer"), warehouse=wants(owner.dataset, role="viewer"))
    eventually("the member who went has nothing", lambda: mine not in owner.granted(), 30)
    granted = owner.granted()
    assert (granted.get(own), granted.get(theirs)) == ("READER", "READER")
    eventually("nor in a query", lambda: run(alan, QUERY, owner.dataset) == "forbidden", 30)
    team.delete()
    assert owner.access() == before


def test_two_projects_share_a_dataset(owner: Owner, team: Team, person: NewPerson, kube: Kubectl) -> None:
    before = owner.access()
    alan, other = person(), Team(kube)
    account = names.service_account(alan.name)
    for each in (team, other):
        each.apply((alan, "editor"), warehouse=wants(owner.dataset))
        settled(each)
    other.remove()
    assert account in owner.granted()
    team.delete()
    assert owner.access() == before


def test_a_dataset_that_is_missing_is_named_and_comes_by_itself(
    owner: Owner, team: Team, kube: Kubectl
) -> None:
    missing = f"{owner.dataset}_later"
    team.apply(warehouse=wants(missing))
    eventually("it is said", lambda: condition(team).get("reason") == "DatasetNotFound", 60)
    assert missing in condition(team)["message"]
    assert "finalizers" not in kube.get("project", team.name)["metadata"]  # type: ignore[index]
    owner(f"client.create_dataset('{missing}')")
    eventually("it is granted", lambda: condition(team).get("status") == "True", 90)
    owner(f"client.delete_dataset('{missing}')")
    team.delete()


@pytest.mark.alone
def test_who_comes_back_and_who_rests_ask_nothing_and_write_nothing(
    owner: Owner, team: Team, kube: Kubectl, platform: Platform
) -> None:
    if not platform.audit_log.exists():
        pytest.skip("this cluster keeps no audit log that a test can read")
    team.ready()
    team.apply(warehouse=wants(owner.dataset))
    settled(team)
    log = platform.audit_log

    def writes(since: float) -> list[str]:
        heard = audit.requests(log, since)
        return [str(each) for each in heard if each.writes and "projects" in each.resource]

    eventually("nothing is written for 5 s", lambda: not writes(time.time() - 5), 60)
    before, since = owner.access(), time.time()
    restart(kube, "operator")
    time.sleep(A_WHILE)
    assert writes(since) == []
    assert owner.access() == before


@pytest.mark.alone
def test_a_project_waits_for_the_warehouse_and_then_goes(owner: Owner, team: Team, kube: Kubectl) -> None:
    team.apply(warehouse=wants(owner.dataset))
    settled(team)
    kube("scale", "deployment", "warehouse", "--replicas=0")
    try:
        kube("wait", "pod", "-l", "app.kubernetes.io/component=warehouse", "--for=delete", "--timeout=90s")
        kube("delete", "project", team.name, "--wait=false")
        eventually(
            "it says why it waits", lambda: "The project goes at" in condition(team).get("message", ""), 90
        )
        assert condition(team)["reason"] == "WarehouseUnreachable"
    finally:
        kube("scale", "deployment", "warehouse", "--replicas=1")
        kube("rollout", "status", "deployment", "warehouse", "--timeout=180s")
    eventually("it is gone", lambda: kube.get("project", team.name) is None, 120)


def test_the_operator_may_hold_a_project_and_change_nothing_else(team: Team, kube: Kubectl) -> None:
    team.apply()
    operator = ("--as=system:serviceaccount:carrel:operator", "--dry-run=server")

    def patch(body: object) -> str:
        return kube("patch", "project", team.name, *operator, "--type=merge", "-p", json.dumps(body))

    patch({"metadata": {"finalizers": [GRANTS_FINALIZER]}})
    for body in (
        {"spec": {"members": [{"user": "mallory", "role": "admin"}]}},
        {"metadata": {"labels": {"a": "b"}}},
        {"metadata": {"annotations": {"carrel.dev/repair": "x"}}},
        {"metadata": {"finalizers": ["a.b/c"]}},
    ):
        with pytest.raises(KubectlError, match="may hold a project for its grants"):
            patch(body)
