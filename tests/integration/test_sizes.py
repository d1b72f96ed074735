"""The hub's API for sizes: who may change them, what may be chosen, and what a server may say of itself."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from carrel_operator import names
from support.cluster import Kubectl, Object, Person, Platform, eventually, unique

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]
STANDARD = ("small", "medium", "large")

TOKEN = "import os; print(os.environ['JUPYTERHUB_API_TOKEN'])"
KILL = {
    "at": "2026-11-23T19:00:00Z",
    "action": "KernelKilled",
    "notebook": "flights.ipynb",
    "cell": "[7] df = …",
    "peak": 2_000_000_000,
    "limit": 2_147_483_648,
    "message": "The cell needed more memory than the server has.",
}


@pytest.fixture
def ada(person: NewPerson) -> Person:
    somebody = person()
    somebody.start()
    return somebody


@pytest.fixture
def theirs(kube: Kubectl) -> Iterator[str]:
    """A size that is not for everybody."""
    name = unique("theirs")
    spec = {"cpu": {"limit": 1}, "memory": {"limit": "1Gi"}, "allowedGroups": ["somebody-else"]}
    metadata = {"name": name}
    kube.apply({"apiVersion": "carrel.dev/v1", "kind": "InstanceType", "metadata": metadata, "spec": spec})
    yield name
    kube("delete", "instancetype", name)


def own_token(somebody: Person, platform: Platform) -> httpx.Client:
    """The hub's API as the person's own server uses it."""
    token = somebody.python(TOKEN).strip()
    return httpx.Client(
        base_url=f"{platform.url}/hub/api",
        headers={"Authorization": f"token {token}"},
        timeout=60,
        trust_env=False,
    )


def sizes(somebody: Person) -> Object:
    answer = somebody.hub.get(f"/users/{somebody.name}/server/size")
    assert answer.status_code == 200, answer.text
    found: Object = answer.json()
    return found


def test_a_server_grows_by_the_api_and_starts_so_again(ada: Person) -> None:
    before = sizes(ada)
    assert (before["instance_type"], before["running"]) == ("small", True)
    standard = [each for each in before["sizes"] if each["name"] in STANDARD]  # another test may have its own
    assert [each["name"] for each in standard] == list(STANDARD)
    assert all(each["live"] for each in standard)
    uid = ada.pod_uid()
    answer = ada.hub.patch(f"/users/{ada.name}/server", json={"instance_type": "medium"})
    assert answer.status_code == 202, answer.text
    assert answer.json()["instance_type"] == "medium"
    assert answer.json()["resize"]["state"] in {"InProgress", "Applied"}
    eventually("it is applied", lambda: sizes(ada)["resize"]["state"] == "Applied", 30)
    assert sizes(ada)["resources"]["actual"]["memory"] == "4Gi"
    assert ada.pod_uid() == uid
    ada.stop()
    started = ada.hub.post(ada.path())
    assert started.status_code in {201, 202}, started.text
    eventually("ready", ada.is_ready, 60)
    assert sizes(ada)["instance_type"] == "medium"


def test_two_people_who_resize_one_server_at_once_end_at_one_size(ada: Person, platform: Platform) -> None:
    """The person and an administrator, each with a will of their own."""
    uid, path = ada.pod_uid(), f"/users/{ada.name}/server"
    with own_token(ada, platform) as inside, ThreadPoolExecutor() as both:
        for _ in range(5):
            asked = [
                both.submit(client.patch, path, json={"instance_type": size})
                for client, size in ((ada.hub, "medium"), (inside, "large"))
            ]
            assert {each.result().status_code for each in asked} == {202}
    eventually("it is applied", lambda: sizes(ada)["resize"]["state"] == "Applied", 30)
    found = sizes(ada)
    limit = {"medium": "4Gi", "large": "8Gi"}[found["instance_type"]]
    assert found["resources"]["actual"]["memory"] == limit
    assert ada.pod_uid() == uid


def test_sizes_that_may_not_be_chosen_are_refused_with_those_that_may(ada: Person, theirs: str) -> None:
    path = f"/users/{ada.name}/server"
    unknown = ada.hub.patch(path, json={"instance_type": "colossal"})
    assert unknown.status_code == 400
    assert unknown.json()["message"].startswith("There is no size 'colossal' (any more). Sizes you may use: ")
    forbidden = eventually(
        "the hub knows the new size",
        lambda: (answer := ada.hub.patch(path, json={"instance_type": theirs})).status_code == 403 and answer,
        10,
    )
    assert (
        "is only for members of the group 'somebody-else'. Sizes you may use: " in forbidden.json()["message"]
    )
    for nonsense in ({}, {"instance_type": 7}, {"size": "small"}, [], {"restart": "yes"}):
        assert ada.hub.patch(path, json=nonsense).status_code == 400, nonsense
    assert sizes(ada)["instance_type"] == "small"
    assert theirs not in [each["name"] for each in sizes(ada)["sizes"]]


def test_a_restart_that_was_asked_for_takes_the_new_size_along(ada: Person) -> None:
    uid = ada.pod_uid()
    answer = ada.hub.patch(f"/users/{ada.name}/server", json={"restart": True, "instance_type": "medium"})
    assert answer.status_code == 202, answer.text
    eventually("another pod", lambda: (pod := ada.pod()) and pod["metadata"]["uid"] != uid, 60)
    eventually("ready", ada.is_ready, 60)
    assert ada.answers()
    assert sizes(ada)["instance_type"] == "medium"


def test_a_stopped_server_cannot_be_restarted(person: NewPerson) -> None:
    ada = person()
    answer = ada.hub.patch(f"/users/{ada.name}/server", json={"restart": True})
    assert answer.status_code == 400
    assert answer.json()["message"] == "The server does not run: start it instead."


def test_a_server_may_change_itself_and_nobody_else(
    ada: Person, person: NewPerson, platform: Platform
) -> None:
    alan = person()
    alan.start()
    with own_token(ada, platform) as inside:
        answer = inside.patch(f"/users/{ada.name}/server", json={"instance_type": "medium"})
        assert answer.status_code == 202, answer.text
        assert inside.get(f"/users/{ada.name}/server/size").status_code == 200
        for method, path in (
            ("GET", f"/users/{alan.name}/server/size"),
            ("PATCH", f"/users/{alan.name}/server"),
            ("POST", f"/users/{alan.name}/server/report"),
            ("PATCH", "/users/nobody-at-all/server"),
        ):
            answer = inside.request(method, path, json={"instance_type": "medium"})
            assert answer.status_code in {403, 404}, (method, path, answer.text)
    assert sizes(alan)["instance_type"] == "small"


def test_what_a_server_reports_is_seen_with_kubectl(ada: Person, platform: Platform, kube: Kubectl) -> None:
    report = {"memory": {"peak": 1_000_000_000, "last_kill": KILL}, "home": {"used": 90, "size": 100}}
    with own_token(ada, platform) as inside:
        reported(inside, ada, report)
        assert inside.post(f"/users/{ada.name}/server/report", json=report).status_code == 429
    notebook = ada.notebook()
    assert notebook
    memory = notebook["status"]["memory"]
    assert memory["peak"] == "1000000000"
    assert memory["limit"] == "2Gi", "the operator's own stays"
    assert memory["lastKill"] == KILL | {"peak": "2000000000", "limit": "2147483648"}
    [home] = notebook["status"]["volumes"]
    assert (home["usedPercent"], home["claim"]) == (90, names.home(ada.name))
    events = kube("get", "events", "-o", "json", "--field-selector", "involvedObject.kind=Notebook")
    mine = [
        each
        for each in json.loads(events)["items"]
        if each["involvedObject"]["name"] == names.notebook(ada.name)
    ]
    assert [(each["type"], each["reason"], each["message"]) for each in mine] == [
        ("Warning", "KernelKilled", KILL["message"])
    ]
    version = notebook["metadata"]["resourceVersion"]
    with own_token(ada, platform) as inside:
        reported(inside, ada, report)
    again = ada.notebook()
    assert again
    assert again["metadata"]["resourceVersion"] == version, "what was said before is not written again"


def reported(inside: httpx.Client, somebody: Person, report: Object) -> None:
    """Report as soon as it is taken: the server's own agent reports too, and there is a limit to how often."""
    path = f"/users/{somebody.name}/server/report"
    eventually(
        "the report is taken",
        lambda: inside.post(path, json=report).status_code == 204,
        20,
    )


HOSTILE: tuple[object, ...] = (
    {"memory": {"peak": -1}},
    {"memory": {"peak": "1Gi"}},
    {"memory": {"limit": 1}},
    {"memory": {"last_kill": {**KILL, "action": "Party"}}},
    {"memory": {"last_kill": {**KILL, "message": "x" * 2000}}},
    {"memory": {"last_kill": {**KILL, "at": "2026-11-23T19:00:00"}}},
    {"home": {"used": 1, "size": 0}},
    {"phase": "Failed"},
    ["x" * 20_000],
)


def test_a_hostile_report_changes_nothing(ada: Person) -> None:
    ada.settle()
    before = ada.notebook()
    for report in HOSTILE:
        answer = ada.hub.post(f"/users/{ada.name}/server/report", json=report)
        assert answer.status_code in {400, 413}, (report, answer.text)
        said = answer.json()["message"]
        assert said.startswith(("The report can't be used: ", "A report has at most ")), said
    assert ada.notebook() == before
