"""The newest version wins, whoever told of it and in whatever order; and who is woken by what."""

from typing import Any

import pytest

from carrel_operator import concerned, notebook_view
from carrel_operator.api import Body, InvalidObjectError
from carrel_operator.cache import Cache
from carrel_operator.places import Key

KEY = Key("carrel", "ada")


def thing(kind: str, name: str, version: int, uid: str = "1", namespace: str = "carrel", **rest: Any) -> Body:
    metadata = {"name": name, "namespace": namespace, "uid": uid, "resourceVersion": str(version)}
    return {"kind": kind, "metadata": metadata, **rest}


def notebook(name: str, version: int = 1, owner: str = "ada", **spec: object) -> Body:
    fields = {"owner": owner, "instanceType": "small", "image": "standard"} | spec
    return thing("Notebook", name, version, uid=f"uid-{name}", spec=fields)


def version_of(cache: Cache, kind: str = "Service", name: str = "nb-ada") -> int | None:
    body = cache.body(kind, "carrel", name)
    return int(body["metadata"]["resourceVersion"]) if body else None


def test_an_older_version_never_replaces_a_newer_one() -> None:
    cache = Cache()
    cache.see(thing("Service", "nb-ada", 10))
    cache.see(thing("Service", "nb-ada", 9))
    assert version_of(cache) == 10
    cache.see(thing("Service", "nb-ada", 100))
    assert version_of(cache) == 100


def test_what_was_deleted_does_not_come_back() -> None:
    """The answer to a write may arrive after the event that its object is gone."""
    cache = Cache()
    cache.see(thing("Service", "nb-ada", 5))
    cache.forget(thing("Service", "nb-ada", 7))
    cache.see(thing("Service", "nb-ada", 6), ours=True)
    assert version_of(cache) is None


def test_the_end_of_one_object_is_not_the_end_of_the_next_of_its_name() -> None:
    cache = Cache()
    cache.see(thing("Service", "nb-ada", 5))
    cache.see(thing("Service", "nb-ada", 8, uid="2"))
    cache.forget(thing("Service", "nb-ada", 7))
    assert version_of(cache) == 8


def test_the_echo_of_our_own_write_is_recognised_and_nothing_else_is() -> None:
    cache = Cache()
    cache.see(thing("Service", "nb-ada", 5), ours=True)
    assert cache.is_echo(thing("Service", "nb-ada", 5))
    assert not cache.is_echo(thing("Service", "nb-ada", 4))  # somebody's edit, told late
    cache.see(thing("Service", "nb-ada", 6))
    assert not cache.is_echo(thing("Service", "nb-ada", 6))


def test_what_a_list_lacks_is_gone_unless_it_is_newer_than_the_list() -> None:
    cache = Cache()
    for name, version in (("nb-a", 5), ("nb-b", 6), ("nb-c", 20)):
        cache.see(thing("Service", name, version))
    cache.see(thing("Pod", "nb-z", 1))
    missing = cache.missing_from("Service", {"nb-b"}, version=10)
    assert [each["metadata"]["name"] for each in missing] == ["nb-a"]


def test_an_object_is_heard_of_before_only_from_the_second_time_on() -> None:
    cache = Cache()
    pod = thing("Pod", "nb-ada", 1)
    assert [cache.heard_before(pod), cache.heard_before(pod)] == [False, True]
    cache.forget(pod)
    assert not cache.heard_before(pod)


@pytest.mark.parametrize(
    ("body", "woken"),
    [
        (notebook("ada"), {"ada", "ada--lab"}),
        (thing("Pod", "nb-ada--lab", 1), {"ada--lab"}),
        (thing("Service", "nb-ada", 1), {"ada"}),
        (thing("NetworkPolicy", "nb-unknown", 1), set()),
        (thing("PersistentVolumeClaim", "home-ada", 1), {"ada", "ada--lab"}),
        (thing("ServiceAccount", "user-bob", 1), {"bob"}),
        (thing("InstanceType", "small", 1, namespace=""), {"ada", "ada--lab", "bob"}),
        (thing("NotebookImage", "standard", 1, namespace=""), {"ada", "ada--lab", "bob"}),
    ],
    ids=lambda value: value["metadata"]["name"] if isinstance(value, dict) else "",
)
def test_who_is_woken(body: Body, woken: set[str]) -> None:
    cache = Cache()
    for each in (notebook("ada"), notebook("ada--lab", server="lab"), notebook("bob", owner="bob")):
        cache.see(each)
    assert {key.name for key in concerned.notebooks(cache, body)} == woken


def test_relatives_are_those_that_bear_their_right_names_and_stay() -> None:
    """Whoever is named wrongly must not keep a person's account alive."""
    cache = Cache()
    cache.see(notebook("ada"))
    cache.see(notebook("ada--lab", server="lab"))
    cache.see(notebook("impostor"))
    leaving = notebook("ada--old", server="old")
    cache.see({**leaving, "metadata": {**leaving["metadata"], "deletionTimestamp": "2026-11-23T00:00:00Z"}})
    seen = notebook_view.seen(cache, KEY)
    assert seen is not None
    assert [each.name for each in seen.relatives] == ["ada", "ada--lab"]


def test_a_deleted_notebook_is_seen_no_more_and_its_relatives_know() -> None:
    cache = Cache()
    cache.see(notebook("ada"))
    cache.see(notebook("ada--lab", server="lab"))
    cache.forget(notebook("ada--lab", 2, server="lab"))
    seen = notebook_view.seen(cache, KEY)
    assert seen is not None
    assert [each.name for each in seen.relatives] == ["ada"]
    assert notebook_view.seen(cache, Key("carrel", "ada--lab")) is None


def test_the_catalogue_follows_and_leaves_out_what_cannot_be_read() -> None:
    cache = Cache()
    good = {"cpu": {"limit": "1"}, "memory": {"limit": "1Gi"}}
    cache.see(thing("InstanceType", "small", 1, namespace="", spec=good))
    cache.see(thing("InstanceType", "broken", 1, namespace="", spec={"cpu": {}}))
    assert list(cache.catalogue().instance_types) == ["small"]
    cache.forget(thing("InstanceType", "small", 2, namespace=""))
    assert not cache.catalogue().instance_types


def test_a_notebook_that_cannot_be_read_is_an_error_that_names_the_field() -> None:
    cache = Cache()
    cache.see(notebook("ada", image=""))
    with pytest.raises(InvalidObjectError, match=r"spec\.image is missing"):
        notebook_view.seen(cache, KEY)


def test_the_record_of_who_set_what_is_not_kept() -> None:
    cache = Cache()
    service = thing("Service", "nb-ada", 1)
    cache.see({**service, "metadata": {**service["metadata"], "managedFields": [{}]}})
    body = cache.body("Service", "carrel", "nb-ada")
    assert body is not None
    assert "managedFields" not in body["metadata"]
