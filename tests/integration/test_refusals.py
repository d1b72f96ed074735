"""What can't be started is refused in one clear sentence, with nothing half-written and nothing left running."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from carrel_operator import names
from support.cluster import Kubectl, Object, Person, eventually, unique

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]
STUCK = 90  # the local stuckTimeout is 25 s; a slow machine may take longer to notice


def instance_type(name: str, cpu: str = "1", memory: str = "1Gi", groups: tuple[str, ...] = ()) -> Object:
    amounts = {"cpu": {"request": cpu, "limit": cpu}, "memory": {"request": memory, "limit": memory}}
    spec: dict[str, Any] = {"displayName": name, **amounts, "allowedGroups": list(groups)}
    return {"apiVersion": "carrel.dev/v1", "kind": "InstanceType", "metadata": {"name": name}, "spec": spec}


def notebook_image(name: str, image: str) -> Object:
    spec = {"displayName": name, "image": image}
    return {"apiVersion": "carrel.dev/v1", "kind": "NotebookImage", "metadata": {"name": name}, "spec": spec}


def notebook(owner: str, **spec: Any) -> Object:
    asked = {"owner": owner, "instanceType": "small", "image": "datascience", "running": True, **spec}
    name = names.notebook(owner, asked.get("server", ""))
    return {"apiVersion": "carrel.dev/v1", "kind": "Notebook", "metadata": {"name": name}, "spec": asked}


@pytest.fixture
def catalogue(kube: Kubectl) -> Iterator[Callable[[Object], str]]:
    """Adds entries to the catalogue for one test."""
    added: list[tuple[str, str]] = []

    def add(entry: Object) -> str:
        kube.apply(entry)
        added.append((entry["kind"].lower(), entry["metadata"]["name"]))
        time.sleep(1)  # the watches of hub and operator
        return added[-1][1]

    yield add
    for kind, name in added:
        kube("delete", kind, name, "--ignore-not-found")


def refused(somebody: Person, **options: str) -> str:
    """The sentence that refuses a start, from the answer or, when the start had begun, from its progress."""
    answer = somebody.ask(**options)
    if answer.status_code == 202:
        last = somebody.progress(STUCK)[-1]
        assert last.get("failed"), last
        return str(last["message"])
    assert 400 <= answer.status_code < 600, answer.text
    return str(answer.json()["message"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"instance_type": "huge"}, r"no size 'huge'.*Sizes you may use: .*small"),
        ({"image": "windows"}, r"no image 'windows'.*Images you may use: .*datascience"),
        ({"colour": "red"}, r"no option 'colour'"),
        ({"instance_type": ["small", "large"]}, r"'instance_type' must be one name"),
    ],
)
def test_what_does_not_exist_is_refused_at_once(
    person: NewPerson, options: dict[str, str], sentence: str
) -> None:
    ada = person()
    answer = ada.ask(**options)
    assert 400 <= answer.status_code < 500, answer.text
    assert re.search(sentence, answer.json()["message"]), answer.text
    assert ada.notebook() is None
    assert not ada.state().get("pending")


def test_a_size_of_another_group_is_refused_by_the_hub(
    person: NewPerson, catalogue: Callable[[Object], str]
) -> None:
    theirs = catalogue(instance_type(unique("theirs"), groups=("somebody-else",)))
    ada = person()
    answer = ada.ask(instance_type=theirs)
    assert 400 <= answer.status_code < 500
    assert "'somebody-else'" in answer.json()["message"]
    assert "small" in answer.json()["message"]
    assert ada.notebook() is None


def test_a_size_of_another_group_is_refused_by_the_operator(
    person: NewPerson, catalogue: Callable[[Object], str], kube: Kubectl
) -> None:
    theirs = catalogue(instance_type(unique("theirs"), groups=("somebody-else",)))
    ada = person()
    ada.servers.add("")
    kube.apply(notebook(ada.name, instanceType=theirs))
    ready = ready_condition(ada)
    assert ready["status"] == "False"
    assert ready["reason"] == "InstanceTypeForbidden"
    assert "'somebody-else'" in ready["message"]
    assert ada.pod() is None


@pytest.mark.parametrize(
    ("spec", "reason"),
    [({"instanceType": "huge"}, "UnknownInstanceType"), ({"image": "windows"}, "UnknownImage")],
)
def test_kubectl_gets_the_same_answer(
    person: NewPerson, kube: Kubectl, spec: dict[str, str], reason: str
) -> None:
    ada = person()
    ada.servers.add("")
    kube.apply(notebook(ada.name, **spec))
    assert ready_condition(ada)["reason"] == reason
    assert ada.pod() is None


def ready_condition(somebody: Person) -> Object:
    def find() -> Object | None:
        found = somebody.notebook() or {}
        conditions = found.get("status", {}).get("conditions", [])
        return next((each for each in conditions if each["type"] == "Ready"), None)

    condition: Object = eventually("a Ready condition", find, 20)
    return condition


def test_a_size_that_fits_nowhere_is_given_up(person: NewPerson, catalogue: Callable[[Object], str]) -> None:
    giant = catalogue(instance_type(unique("giant"), cpu="900", memory="4Ti"))
    ada = person()
    sentence = refused(ada, instance_type=giant)
    assert re.search(r"no node|fit|large", sentence.lower()), sentence
    assert_left_stopped(ada)


def test_an_image_that_cannot_be_pulled_is_given_up(
    person: NewPerson, catalogue: Callable[[Object], str]
) -> None:
    missing = catalogue(notebook_image(unique("missing"), "registry.invalid/nothing:1"))
    ada = person()
    assert "image" in refused(ada, image=missing).lower()
    assert_left_stopped(ada)


def assert_left_stopped(somebody: Person) -> None:
    """Nothing runs on for a start that was given up."""
    eventually("the pod gone", lambda: somebody.pod() is None, 60)
    found = somebody.notebook()
    assert found is None or found["spec"]["running"] is False
    assert not somebody.state().get("ready")


def test_a_home_that_cannot_bind_is_given_up(person: NewPerson, kube: Kubectl) -> None:
    ada = person()
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": names.home(ada.name),
            "labels": {"carrel.dev/user": names.user_label(ada.name)},
            "annotations": {"carrel.dev/owner": ada.name},
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "none-such",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    kube.apply(claim)
    assert re.search(r"home|disk|storage", refused(ada).lower())
    assert_left_stopped(ada)
    assert kube.get("persistentvolumeclaim", names.home(ada.name))
