"""Pages of a real hub: who sees what, and that an open page hears of changes and costs nothing else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from carrel_operator import names
from support.cluster import eventually
from support.own_hub import OwnHub, served
from unit.hub.kubernetes_api import KubernetesApi, image, notebook, size

Told = dict[str, Any]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnHub]:
    with served(tmp_path_factory.mktemp("hub"), {"analysts": {"users": ["ada"]}}, ["grace"]) as found:
        found.cluster(furnish)
        yield found


def furnish(api: KubernetesApi) -> None:
    api.put("instancetypes", size("small", pricePerHour=0.05))
    api.put("notebookimages", image("standard", default=True))
    for owner in ("ada", "alan"):
        api.put("notebooks", notebook(owner))
        api.say(owner, "Running", "Running", "The server is running.")
    api.put("projects", project("forecast", {"group": "analysts", "role": "editor"}))
    api.put("projects", project("secret", {"user": "alan", "role": "admin"}))


def project(name: str, *members: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "carrel"}, "spec": {"members": list(members)}}


def get(hub: OwnHub, path: str, name: str = "") -> httpx.Response:
    with hub.client(hub.token_of(name) if name else "") as client:
        return client.get(path)


@contextmanager
def listening(hub: OwnHub, path: str, name: str = "") -> Iterator[Iterator[Told]]:
    """What an open page is told."""
    with (
        hub.client(hub.token_of(name) if name else "") as client,
        client.stream("GET", path, headers={"Accept": "text/event-stream"}) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        lines = answer.iter_lines()
        yield (json.loads(line[5:]) for line in lines if line.startswith("data:"))


def test_a_person_sees_their_own_servers_and_projects(hub: OwnHub) -> None:
    answer = get(hub, "/users/ada/desks", "ada").json()
    assert answer["all"] is True
    assert set(answer["changed"]) == {"ada", "project forecast"}
    assert answer["changed"]["ada"]["state"] == "Running"
    assert answer["changed"]["project forecast"]["role"] == "editor"


@pytest.mark.parametrize("path", ["/users/ada/desks", "/desks"])
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_nobody_sees_what_is_somebody_elses(hub: OwnHub, path: str, accept: str) -> None:
    with hub.client(hub.token_of("alan")) as client:
        answer = client.get(path, headers={"Accept": accept})
    assert answer.status_code in {403, 404}
    assert "ada" not in answer.text


def test_a_stranger_is_asked_to_sign_in(hub: OwnHub) -> None:
    with httpx.Client(base_url=hub.url, trust_env=False) as stranger:
        assert stranger.get("/hub/api/users/ada/desks").status_code == 403
        assert stranger.get("/hub/api/desks").status_code == 403
        assert stranger.get("/hub/desks").headers["location"].startswith("/hub/login")


def test_nobody_is_somebody_who_is_not_there(hub: OwnHub) -> None:
    assert get(hub, "/users/nobody/desks").status_code == 404


def test_an_administrator_sees_everybodys_servers(hub: OwnHub) -> None:
    rows = get(hub, "/desks", "grace").json()["changed"]
    assert {"ada", "alan"} <= set(rows)
    assert rows["ada"]["can_stop"] is True
    hub.cluster(lambda api: api.put("notebooks", notebook("kubectl")))
    eventually("the one that kubectl made", lambda: "kubectl" in get(hub, "/desks").json()["changed"], 5)
    row = get(hub, "/desks").json()["changed"]["kubectl"]
    assert not [deed for deed, can in row.items() if deed.startswith("can_") and can]
    hub.cluster(lambda api: api.remove("notebooks", "kubectl"))


def test_who_may_see_some_people_sees_their_servers_alone(hub: OwnHub) -> None:
    with hub.client() as client:
        scopes = {"scopes": ["list:users", "read:servers!user=ada"]}
        token = client.post("/users/grace/tokens", json=scopes).json()["token"]
    with hub.client(token) as client:
        assert set(client.get("/desks").json()["changed"]) == {"ada"}


def test_an_open_page_hears_of_what_changed_and_of_nothing_else(hub: OwnHub) -> None:
    with listening(hub, "/desks") as told, listening(hub, "/users/ada/desks", "ada") as home:
        assert {"ada", "alan"} <= set(next(told)["changed"])
        assert set(next(home)["changed"]) == {"ada", "project forecast"}
        requests = hub.cluster(lambda api: len(api.requests))
        hub.cluster(lambda api: api.say("alan", "Pending", "Unschedulable", "No node has room."))
        news = next(told)
        assert (news["all"], list(news["changed"]), news["gone"]) == (False, ["alan"], [])
        assert news["changed"]["alan"]["message"] == "No node has room."
        hub.cluster(
            lambda api: api.put("projects", project("forecast", {"group": "analysts", "role": "viewer"}))
        )
        news = next(home)
        assert {key: row["role"] for key, row in news["changed"].items()} == {"project forecast": "viewer"}
        hub.cluster(lambda api: api.remove("notebooks", "alan"))
        assert next(told)["gone"] == ["alan"]
        assert hub.cluster(lambda api: len(api.requests)) == requests, "pages ask nothing of the API server"
        hub.cluster(furnish)


def test_who_left_a_project_no_longer_sees_it(hub: OwnHub) -> None:
    with listening(hub, "/users/ada/desks", "ada") as home:
        assert "project forecast" in next(home)["changed"]
        hub.cluster(lambda api: api.put("projects", project("forecast")))
        assert next(home)["gone"] == ["project forecast"]
        hub.cluster(furnish)


def test_why_a_start_was_refused_is_said_where_it_was_asked(hub: OwnHub) -> None:
    with hub.client(hub.token_of("eve")) as client:
        assert client.post("/users/eve/server", json={"instance_type": "none"}).status_code == 400
        row = client.get("/users/eve/desks").json()["changed"]["eve"]
        assert "There is no size 'none'" in row["message"]
        assert row["can_start"] is True


def test_named_servers_are_there_before_their_first_start(hub: OwnHub) -> None:
    with hub.client(hub.token_of("zoe")) as client:
        assert client.put("/users/zoe/servers/lab", json={"display_name": "<b>Lab</b>"}).status_code == 201
        rows = client.get("/users/zoe/desks").json()["changed"]
    assert list(rows) == ["zoe", names.notebook("zoe", "lab")]
    row = rows[names.notebook("zoe", "lab")]
    assert (row["title"], row["state"], row["form"]) == ("<b>Lab</b>", "Stopped", "/hub/spawn/zoe/lab")
