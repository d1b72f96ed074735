"""Whatever happens in the middle of a start, in the end there is one server or none, and the next start works."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from carrel_operator import names
from support.cluster import Kubectl, Person, eventually
from support.hub import events, hub_answers

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]


def begun(somebody: Person, pool: ThreadPoolExecutor) -> Future[httpx.Response]:
    """Ask for a server, and go on as soon as its pod is there."""
    answer = pool.submit(somebody.ask)
    eventually("a pod", somebody.pod, 30, every=0.05)
    return answer


def pods(somebody: Person) -> list[str]:
    found = somebody.kube.items("pods", f"carrel.dev/user={names.user_label(somebody.name)}")
    return [pod["metadata"]["uid"] for pod in found]


def assert_starts_again(somebody: Person) -> None:
    somebody.start()
    assert somebody.answers()
    assert len(pods(somebody)) == 1


def test_start_clicked_twice_is_one_start(person: NewPerson) -> None:
    ada = person()
    with ThreadPoolExecutor(2) as pool:
        answers = [each.result() for each in (pool.submit(ada.ask), pool.submit(ada.ask))]
    assert all(answer.status_code in {201, 202, 400} for answer in answers), [each.text for each in answers]
    eventually("the server ready", ada.is_ready, 60)
    notebook = ada.notebook()
    assert notebook
    assert notebook["metadata"]["generation"] == 2, "made stopped, then started, and never touched again"
    assert len(pods(ada)) == 1


def test_a_second_start_leaves_the_running_server_alone(person: NewPerson) -> None:
    ada = person()
    ada.start()
    before = ada.versions()
    again = ada.ask()
    assert again.status_code == 400
    assert "already running" in again.json()["message"]
    assert ada.versions() == before


def test_the_progress_of_a_start_is_plain_sentences(person: NewPerson) -> None:
    ada = person()
    with ThreadPoolExecutor(1) as pool:
        begun(ada, pool)
        seen = list(events(ada.hub, f"{ada.path()}/progress"))
    assert seen[-1]["ready"] is True
    assert seen[-1]["progress"] == 100
    theirs, *ours = [event["message"] for event in seen[:-1]]
    assert theirs == "Server requested"  # JupyterHub's own, before the spawner is asked
    assert ours
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in ours), ours
    furthest = [event["progress"] for event in seen]
    assert furthest == sorted(furthest)


def test_stop_by_kubectl_in_the_middle_of_a_start(person: NewPerson, kube: Kubectl) -> None:
    ada = person()
    with ThreadPoolExecutor(1) as pool:
        answer = begun(ada, pool)
        kube(
            "patch", "notebook", names.notebook(ada.name), "--type=merge", "-p", '{"spec":{"running":false}}'
        )
        eventually("the start is given up", lambda: not ada.state().get("pending"), 30)
    assert answer.result().status_code == 409
    assert answer.result().json()["message"] == "The server was stopped while it started. Start it again."
    eventually("no pod", lambda: not pods(ada), 30)
    assert_starts_again(ada)


def test_stop_by_the_hub_in_the_middle_of_a_start(person: NewPerson) -> None:
    ada = person()
    with ThreadPoolExecutor(1) as pool:
        answer = begun(ada, pool)
        stop = ada.hub.delete(ada.path())
        assert stop.status_code in {202, 204}, stop.text
    assert answer.result().status_code == 409
    sentence = "The start was cancelled, because the server was stopped meanwhile. Start it again."
    assert answer.result().json()["message"] == sentence
    eventually("no answer outstanding", lambda: not ada.state().get("pending"), 60)
    assert not ada.is_ready()
    eventually("no pod", lambda: not pods(ada), 30)
    assert_starts_again(ada)


def test_the_notebook_deleted_while_it_starts(person: NewPerson, kube: Kubectl) -> None:
    ada = person()
    with ThreadPoolExecutor(1) as pool:
        answer = begun(ada, pool)
        kube("delete", "notebook", names.notebook(ada.name), "--wait=false")
        eventually("the start is given up", lambda: not ada.state().get("pending"), 30)
    assert answer.result().status_code == 409
    assert "deleted while its server started" in answer.result().json()["message"]
    eventually("no pod", lambda: not pods(ada), 60)
    assert ada.notebook() is None
    assert_starts_again(ada)


def test_the_notebook_deleted_while_it_runs(person: NewPerson, kube: Kubectl) -> None:
    ada = person()
    ada.start()
    kube("delete", "notebook", names.notebook(ada.name))
    eventually("no pod", lambda: not pods(ada), 60)
    eventually("the hub noticed", lambda: not ada.is_ready(), 60)
    assert kube.get("persistentvolumeclaim", names.home(ada.name))
    assert_starts_again(ada)


@pytest.mark.alone
def test_the_hub_killed_in_the_middle_of_a_start(person: NewPerson, hub: httpx.Client, kube: Kubectl) -> None:
    """The next hub goes on with the start, or stops it: never a pod that nobody can open."""
    ada = person()
    with ThreadPoolExecutor(1) as pool:
        answer = begun(ada, pool)
        kube("delete", "pod", "-l", "app.kubernetes.io/component=hub", "--force", "--grace-period=0")
        answer.exception()  # the connection broke, or the answer came just before
    kube("rollout", "status", "deployment", "hub", "--timeout=120s")
    eventually("the hub answers", lambda: hub_answers(hub), 60)
    eventually("no answer outstanding", lambda: not ada.state().get("pending"), 60)

    def consistent() -> bool:
        return len(pods(ada)) == 1 and ada.answers() if ada.is_ready() else not pods(ada)

    eventually("one server that answers, or none", consistent, 60)
    ada.stop()
    assert_starts_again(ada)
