"""The doctor of a real hub before a played API server: who may ask, and what a report does to a Notebook."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.own_hub import OwnHub, served
from unit.hub.kubernetes_api import KubernetesApi, image, notebook, size

AUDIENCE = "//warehouse.carrel.local/clusters/this"
Findings = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnHub]:
    with served(tmp_path_factory.mktemp("hub"), {}, ["grace"]) as found:
        found.cluster(furnish)
        yield found


def furnish(api: KubernetesApi) -> None:
    api.put("instancetypes", size("small"))
    api.put("notebookimages", image("standard", default=True))
    api.put("notebooks", notebook("ada"))
    condition = {"type": "IdentityReady", "status": "True", "reason": "Issued", "message": "Known."}
    api.say(
        "ada",
        "Running",
        "Running",
        "It runs.",
        principal="p",
        projects=[{"name": "risk"}],
        conditions=[condition],
    )
    identity = {"mode": "federated", "audience": f"https:{AUDIENCE}", "project": "pays"}
    settings = {"namespace": "carrel", "identity": identity}
    put(api, "configmaps", "operator", data={"settings.yaml": json.dumps(settings)})
    credentials = {"type": "external_account", "audience": AUDIENCE}
    put(api, "configmaps", "warehouse-credentials", data={"credentials.json": json.dumps(credentials)})
    put(api, "deployments", "warehouse", spec={"replicas": 0})
    put(api, "networkpolicies", "nb-ada", spec={"egress": []})
    put(api, "serviceaccounts", "user-ada")
    warehouse = {"datasets": [{"id": "sales", "role": "viewer"}]}
    members = [{"user": "ada", "role": "viewer"}]
    put(api, "projects", "risk", spec={"members": members, "warehouse": warehouse})


def put(api: KubernetesApi, plural: str, name: str, **body: Any) -> None:
    api.put(plural, {"metadata": {"name": name, "namespace": "carrel"}, **body})


def get(hub: OwnHub, path: str, name: str = "") -> httpx.Response:
    with hub.client(hub.token_of(name) if name else "") as client:
        return client.get(path)


def findings(answer: httpx.Response) -> Findings:
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()["findings"]}


def test_the_whole_install_is_for_administrators(hub: OwnHub) -> None:
    assert get(hub, "/carrel/doctor", "ada").status_code == 403
    found = findings(get(hub, "/carrel/doctor"))
    assert {name: each["state"] for name, each in found.items()} == {
        "settings": "ok",
        "issuer": "unknown",  # this hub is in no pod, and has no token
        "credentials": "ok",
        "warehouse": "failed",
        "notebook ada": "ok",
        "datasets of risk": "unknown",
    }


def test_a_server_is_for_its_owner_and_for_administrators(hub: OwnHub) -> None:
    for who in ("", "ada"):
        found = findings(get(hub, "/users/ada/server/doctor", who))
        assert found["service account"]["state"] == "failed"
        assert found["service account"]["command"].endswith("serviceaccount user-ada 'carrel.dev/owner=ada'")
        assert found["inside"]["state"] == "skipped"  # it runs in no hub's eyes
    assert get(hub, "/users/ada/server/doctor", "alan").status_code in {403, 404}


def test_what_projects_give_is_told_to_whom_they_give_it(hub: OwnHub) -> None:
    sales = {"project": "risk", "name": "sales", "billing_project": "pays", "role": "viewer"}
    assert get(hub, "/users/ada/server/warehouse", "ada").json() == {"principal": "p", "datasets": [sales]}
    assert get(hub, "/users/ada/server/warehouse", "alan").status_code in {403, 404}


def test_an_identity_that_is_not_ready_is_written_and_taken_back(hub: OwnHub) -> None:
    def stored(api: KubernetesApi) -> Any:
        return api.objects["notebooks"]["ada"]["status"].get("identity")

    session = hub.cluster(lambda api: api.objects["notebooks"]["ada"]["spec"].get("session", ""))
    with hub.client(hub.token_of("ada")) as client:
        use = client.post("/users/ada/server/report", json={"memory": {"peak": 1}})
        ill = {"identity": {"ready": False, "message": "No token."}}
        told = client.post("/users/ada/server/report", json=ill)
        again = client.post("/users/ada/server/report", json=ill)
    assert [use.status_code, told.status_code, again.status_code] == [204, 204, 429]
    found = hub.cluster(stored)
    assert (found["ready"], found["message"]) == (False, "No token.")
    assert found.get("session", "") == session
