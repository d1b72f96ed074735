"""The platform under test, and people made for one test each; without a platform every test that asks for it is skipped."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import hypothesis
import pytest

from carrel_operator import names
from support.cluster import MISSING, Kubectl, Object, Person, Platform, quoted, unique
from support.hub import hub_client
from support.teams import Team

NewPerson = Callable[..., Person]

# A machine that is busy is no fault of the code.
hypothesis.settings.register_profile("carrel", deadline=None)
hypothesis.settings.load_profile("carrel")


@pytest.fixture(scope="session")
def platform() -> Platform:
    found = Platform.from_environment()
    if found is None:
        pytest.skip(MISSING)
    return found


@pytest.fixture(scope="session")
def kube(platform: Platform) -> Kubectl:
    return Kubectl(platform.kubeconfig)


@pytest.fixture(scope="session")
def hub(platform: Platform) -> Iterator[httpx.Client]:
    with hub_client(platform.url, platform.token) as client:
        yield client


@pytest.fixture(scope="session")
def sign_ins() -> dict[str, str]:
    """The passwords of the demo sign-in's people; a cluster of another kind may have none."""
    path = os.environ.get("CARREL_SIGN_INS")
    if not path:
        pytest.skip("needs the demo sign-in: make test sets CARREL_SIGN_INS")
    found: dict[str, str] = json.loads(Path(path).read_text())
    return found


@pytest.fixture
def person(platform: Platform, hub: httpx.Client, kube: Kubectl) -> Iterator[NewPerson]:
    """Makes users of the hub; what is theirs goes away after the test."""
    with people(platform, hub, kube) as new:
        yield new


@pytest.fixture(scope="module")
def lasting_person(platform: Platform, hub: httpx.Client, kube: Kubectl) -> Iterator[NewPerson]:
    """Makes users of the hub that stay for all tests of a file."""
    with people(platform, hub, kube) as new:
        yield new


@contextmanager
def people(platform: Platform, hub: httpx.Client, kube: Kubectl) -> Iterator[NewPerson]:
    """Makes users of the hub, and takes away what is theirs."""
    made: list[Person] = []

    def new(name: str | None = None) -> Person:
        somebody = Person(name or unique("test"), hub, kube, platform.url)
        made.append(somebody)
        answer = hub.post(f"/users/{quoted(somebody.name)}")
        assert answer.status_code == 201, answer.text
        return somebody

    yield new
    for somebody in made:
        somebody.remove()


@pytest.fixture
def team(kube: Kubectl) -> Iterator[Team]:
    found = Team(kube)
    yield found
    found.remove()


@pytest.fixture
def paying_project(kube: Kubectl) -> Iterator[Callable[..., str]]:
    """Makes projects with what `spec.warehouse` says, and takes them away."""
    made: list[str] = []

    def make(members: list[Object], **warehouse: object) -> str:
        name = unique("pays")
        spec = {"members": members, "volume": {"size": "1Gi"}, "warehouse": warehouse}
        kube.apply(
            {"apiVersion": "carrel.dev/v1", "kind": "Project", "metadata": {"name": name}, "spec": spec}
        )
        made.append(name)
        return name

    yield make
    for name in made:
        kube("delete", "project", name, "--ignore-not-found", "--wait=false")
        kube("delete", "pvc", names.project_volume(name), "--ignore-not-found", "--wait=false")


@pytest.hookimpl(tryfirst=True)  # xdist reads the marks in the same hook, and comes first otherwise
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What may not run side by side: the tests of a file, and those that sign in with the same few names."""
    for item in items:
        signs_in = "e2e" in item.path.parts or "sign_ins" in getattr(item, "fixturenames", ())
        name = "signs in" if signs_in else item.path.name
        item.add_marker(pytest.mark.xdist_group(name))
