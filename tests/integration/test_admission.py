"""The API server itself refuses what can never be right, and names the field."""

from typing import Any

import pytest

from support.cluster import Kubectl, KubectlError, Object, unique

pytestmark = pytest.mark.cluster


def size(**changed: Any) -> Object:
    amounts = {"cpu": {"request": "1", "limit": "1"}, "memory": {"request": "1Gi", "limit": "1Gi"}}
    spec = {"displayName": "A size", **amounts, **changed}
    return {
        "apiVersion": "carrel.dev/v1",
        "kind": "InstanceType",
        "metadata": {"name": unique("size")},
        "spec": spec,
    }


def notebook(name: str, **changed: Any) -> Object:
    spec = {"owner": name, "instanceType": "small", "image": "datascience", **changed}
    return {"apiVersion": "carrel.dev/v1", "kind": "Notebook", "metadata": {"name": name}, "spec": spec}


def refusal(kube: Kubectl, thing: Object) -> str:
    """What the API server says of an object that it doesn't take."""
    with pytest.raises(KubectlError) as error:
        kube.apply(thing)
    return str(error.value)


@pytest.mark.parametrize(
    ("amounts", "field"),
    [
        ({"cpu": {"request": "-1", "limit": "1"}}, "spec.cpu.request"),
        ({"cpu": {"request": "0", "limit": "1"}}, "spec.cpu.request"),
        ({"cpu": {"request": "1", "limit": "2 cores"}}, "spec.cpu.limit"),
        ({"cpu": {"request": "2", "limit": "1"}}, "spec.cpu"),
        ({"memory": {"request": "1Gb", "limit": "1Gi"}}, "spec.memory.request"),
        ({"memory": {"request": "0", "limit": "1Gi"}}, "spec.memory.request"),
        ({"memory": {"request": "1Gi", "limit": "-1Gi"}}, "spec.memory.limit"),
        ({"memory": {"request": "2Gi", "limit": "1Gi"}}, "spec.memory"),
        ({"memory": {"request": "1Gi"}}, "spec.memory.limit"),
    ],
)
def test_a_size_with_impossible_amounts_names_the_field(kube: Kubectl, amounts: Object, field: str) -> None:
    assert field in refusal(kube, size(**amounts))


@pytest.mark.parametrize("duration", ["soon", "30", "-5m", "9s", "9000h", "1h 5m", "5m1h", "999999h"])
def test_a_size_sleeps_after_a_time_that_is_one(kube: Kubectl, duration: str) -> None:
    assert "spec.idleTimeout" in refusal(kube, size(idleTimeout=duration))


@pytest.mark.parametrize("duration", ["10s", "1h30m", "never"])
def test_times_that_a_size_may_sleep_after(kube: Kubectl, duration: str) -> None:
    good = size(idleTimeout=duration)
    kube.apply(good)
    kube("delete", "instancetype", good["metadata"]["name"])


def test_the_smallest_complete_size_is_taken(kube: Kubectl) -> None:
    good = size()
    kube.apply(good)
    kube("delete", "instancetype", good["metadata"]["name"])


@pytest.mark.parametrize(
    ("changed", "field"), [({"owner": "somebody"}, "spec.owner"), ({"server": "other"}, "spec.server")]
)
def test_owner_and_server_never_change(kube: Kubectl, changed: dict[str, str], field: str) -> None:
    name = unique("test")
    kube.apply(notebook(name))
    try:
        sentence = refusal(kube, notebook(name, **changed))
        assert field in sentence
        assert "never changes" in sentence
    finally:
        kube("delete", "notebook", name)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"environmentSecret": "hub"}, "nb-"),
        ({"homeSize": "0"}, "spec.homeSize"),
        ({"homeSize": "much"}, "spec.homeSize"),
        ({"owner": ""}, "spec.owner"),
        ({"owner": "x" * 256}, "spec.owner"),
        ({"ownerGroups": [str(number) for number in range(501)]}, "spec.ownerGroups"),
        ({"session": "Not Hex!"}, "spec.session"),
        ({"keepUntil": "tomorrow"}, "spec.keepUntil"),
        ({"keepUntil": "2026-02-30T08:00:00Z"}, "spec.keepUntil"),
        ({"keepUntil": "2026-11-28T08:00:00+01:00"}, "spec.keepUntil"),
    ],
)
def test_an_impossible_notebook_is_not_taken(kube: Kubectl, changed: Object, field: str) -> None:
    assert field in refusal(kube, notebook(unique("test"), **changed))


def test_a_notebook_of_another_name_than_its_owners_makes_nothing(kube: Kubectl) -> None:
    name = unique("test")
    kube.apply(notebook(name, owner="somebody-else", running=True))
    try:
        kube("wait", "notebook", name, "--for=condition=Ready=false", "--timeout=20s")
        found = kube.get("notebook", name)
        assert found
        ready = next(each for each in found["status"]["conditions"] if each["type"] == "Ready")
        assert ready["reason"] == "NameMismatch"
        assert "somebody-else" in ready["message"]
        assert kube.get("pod", f"nb-{name}") is None
    finally:
        kube("delete", "notebook", name)
