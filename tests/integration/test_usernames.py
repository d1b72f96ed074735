"""Whatever a person is called, their objects have valid names of their own, or the name is refused with a sentence."""

from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest

from carrel_operator import names
from support.cluster import Kubectl, Object, Person, eventually, unique

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]


@pytest.mark.parametrize(
    "pattern",
    ["{}@b.org", "Ünï😀{}", "{}" + "x" * 244, "{}--y", "Alice{}", "{}'s <b>", "-{}-", "ab---{}", "{}.d_e"],
)
def test_any_name_starts_a_server_of_its_own(person: NewPerson, pattern: str) -> None:
    somebody = person(pattern.format(unique("t")))
    somebody.start()
    found, pod = somebody.notebook(), somebody.pod()
    assert found
    assert pod
    assert found["spec"]["owner"] == somebody.name
    assert pod["metadata"]["annotations"]["carrel.dev/owner"] == somebody.name
    assert somebody.answers()
    assert somebody.python(
        "import os; print(os.environ['HOME'], os.getcwd() == os.environ['HOME'])"
    ).split() == [
        names.home_path(somebody.name),
        "True",
    ]


@pytest.mark.parametrize("name", ["x" * 256, "a/b", "a\u0000b", "a\nb"])
def test_a_name_that_can_be_no_user_is_refused_in_a_sentence(hub: httpx.Client, name: str) -> None:
    answer = hub.post(f"/users/{quote(name, safe='')}")
    try:
        assert 400 <= answer.status_code < 500, answer.text
    finally:
        if answer.is_success:
            hub.delete(f"/users/{quote(name, safe='')}")


def order(owner: str, server: str = "") -> Object:
    spec = {
        "owner": owner,
        "server": server,
        "instanceType": "small",
        "image": "datascience",
        "running": True,
    }
    meta = {"name": names.notebook(owner, server)}
    return {"apiVersion": "carrel.dev/v1", "kind": "Notebook", "metadata": meta, "spec": spec}


def test_names_that_look_alike_share_nothing(kube: Kubectl) -> None:
    stem = unique("t")
    pairs = [
        (stem, "b-c"),
        (f"{stem}-b", "c"),
        (f"{stem}--b-c", ""),
        (f"{stem}@b.org", ""),
        (f"{stem}-b-org", ""),
        (stem.capitalize(), ""),
        (stem, ""),
    ]
    made = [names.notebook(*pair) for pair in pairs]
    try:
        for pair in pairs:
            kube.apply(order(*pair))

        def pods() -> list[Object]:
            found = [kube.get("pod", names.pod(name)) for name in made]
            return [pod for pod in found if pod]

        eventually("a pod for each", lambda: len(pods()) == len(pairs), 30)
        owners = [pod["metadata"]["annotations"] for pod in pods()]
        assert [(each["carrel.dev/owner"], each["carrel.dev/server"]) for each in owners] == pairs
        claims = {
            owner: {claim_of(pod) for pod, (o, _) in zip(pods(), pairs, strict=True) if o == owner}
            for owner, _ in pairs
        }
        assert all(len(each) == 1 for each in claims.values()), claims
        assert len({claim for each in claims.values() for claim in each}) == len(claims), claims
    finally:
        kube("delete", "notebook", *made, "--ignore-not-found")
        eventually("no pod that holds a home", lambda: not pods(), 60)
        homes = {names.home(owner) for owner, _ in pairs}
        kube("delete", "persistentvolumeclaim", *homes, "--ignore-not-found", "--wait=false")


def claim_of(pod: Object) -> str:
    volumes = pod["spec"]["volumes"]
    return next(
        each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each
    )
