"""A server's life through the public API: started, stopped, started again, deleted, and what restarts leave alone."""

from collections.abc import Callable

import pytest

from carrel_operator import names
from support.cluster import Kubectl, Person, eventually

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]


def test_a_server_starts_and_says_so_everywhere(person: NewPerson, kube: Kubectl) -> None:
    ada = person()
    ada.start(image="datascience")
    assert ada.answers()
    notebook = ada.notebook()
    assert notebook
    assert notebook["spec"]["running"] is True
    assert notebook["status"]["phase"] == "Running"
    assert notebook["status"]["observedGeneration"] == notebook["metadata"]["generation"]
    header, row = kube("get", "notebooks", names.notebook(ada.name)).splitlines()
    assert header.split() == ["NAME", "OWNER", "SIZE", "STATE", "MEMORY", "PROJECT", "AGE"]
    assert row.split()[:5] == [ada.name, ada.name, "small", "Running", "2Gi"]


def test_files_outlive_a_stop(person: NewPerson) -> None:
    ada = person()
    ada.start()
    kept = {"type": "file", "format": "text", "content": "kept"}
    assert ada.web("api/contents/notes.txt", "PUT", json=kept).status_code == 201
    ada.stop()
    notebook = ada.notebook()
    assert notebook
    assert notebook["status"]["phase"] == "Stopped"
    assert ada.pod() is None
    ada.start()
    assert ada.web("api/contents/notes.txt").json()["content"] == "kept"


def test_deleting_a_user_leaves_the_home_alone(person: NewPerson, kube: Kubectl) -> None:
    ada = person()
    ada.start()
    assert ada.hub.delete(f"/users/{ada.name}").status_code == 204
    eventually("the Notebook gone", lambda: ada.notebook() is None, 60)
    eventually("the pod gone", lambda: ada.pod() is None, 60)
    assert kube.get("persistentvolumeclaim", names.home(ada.name))


def test_a_named_server_runs_beside_the_default_one(person: NewPerson) -> None:
    ada = person()
    ada.start()
    ada.start("second")
    assert ada.answers()
    assert ada.answers("second")
    assert ada.pod_uid() != ada.pod_uid("second")
    ada.stop("second")
    assert ada.answers()


def test_a_lost_pod_comes_back_at_the_same_address(person: NewPerson, kube: Kubectl) -> None:
    ada = person()
    ada.start()
    lost = ada.pod_uid()
    kube("delete", "pod", names.pod(ada.name), "--wait=false")

    def another() -> bool:
        pod = ada.pod()
        return bool(pod and pod["metadata"]["uid"] != lost)

    eventually("another pod", another, 60)
    eventually("the server answers again", ada.answers, 60)
    assert ada.is_ready()
