"""Nobody opens another's server, a notebook has nothing to say to the cluster, and nobody may read Secrets."""

import json
from collections.abc import Callable

import httpx
import pytest

from carrel_operator import names
from support.cluster import NAMESPACE, Kubectl, Person, Platform

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]


def token_of(somebody: Person) -> str:
    answer = somebody.hub.post(f"/users/{somebody.name}/tokens", json={"note": "test"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def test_a_person_rules_only_their_own_servers(person: NewPerson, platform: Platform) -> None:
    ada, eve = person(), person()
    headers = {"Authorization": f"token {token_of(eve)}"}
    address = f"{platform.url}/hub/api/users/{ada.name}"
    for method, path in (("GET", ""), ("POST", "/servers/"), ("DELETE", "/servers/"), ("POST", "/tokens")):
        answer = httpx.request(method, address + path, headers=headers, trust_env=False)
        assert answer.status_code in {403, 404}, (method, path, answer.text)
    assert ada.notebook() is None


def test_a_notebooks_pod_is_restricted_and_has_no_word_in_the_cluster(
    person: NewPerson, kube: Kubectl
) -> None:
    ada = person()
    ada.start()
    pod = ada.pod()
    assert pod
    assert pod["spec"]["automountServiceAccountToken"] is False
    mounts = [each["mountPath"] for each in pod["spec"]["containers"][0]["volumeMounts"]]
    assert "/var/run/secrets/kubernetes.io/serviceaccount" not in mounts
    # Asked whether the namespace could be restricted, the API server looks at every pod that is in it.
    label = "pod-security.kubernetes.io/enforce=restricted"
    kube("label", "namespace", NAMESPACE, label, "--overwrite", "--dry-run=server", "--warnings-as-errors")
    account = f"system:serviceaccount:{NAMESPACE}:{names.service_account(ada.name)}"
    for verb, resource in (("list", "pods"), ("get", "secrets"), ("create", "pods"), ("get", "notebooks")):
        assert not may(kube, account, verb, resource), (verb, resource)


def test_a_notebook_cannot_reach_another_notebook_past_the_hub(person: NewPerson) -> None:
    ada, eve = person(), person()
    ada.start()
    eve.start()
    pod = ada.pod()
    assert pod
    code = f"import urllib.request as r; print(r.urlopen('http://{pod['status']['podIP']}:8888/user/{ada.name}/api/contents', timeout=5).status)"
    with pytest.raises(Exception, match=r"403|timed out|refused|unreachable"):
        eve.python(code)


@pytest.mark.parametrize("component", ["hub", "operator"])
@pytest.mark.parametrize("verb", ["get", "list", "watch"])
def test_neither_hub_nor_operator_may_read_secrets(kube: Kubectl, component: str, verb: str) -> None:
    assert not may(kube, f"system:serviceaccount:{NAMESPACE}:{component}", verb, "secrets")


@pytest.mark.parametrize(
    ("component", "verb", "resource"),
    [
        ("operator", "create", "secrets"),
        ("operator", "delete", "persistentvolumeclaims"),
        ("operator", "create", "clusterroles.rbac.authorization.k8s.io"),
        ("operator", "delete", "projects.carrel.dev"),
        ("operator", "create", "projects.carrel.dev"),
        ("operator", "patch", "deployments.apps"),
        ("operator", "get", "events"),
        ("operator", "impersonate", "users"),
        ("operator", "create", "pods/exec"),
        ("operator", "create", "serviceaccounts/token"),
        ("hub", "create", "pods"),
        ("hub", "create", "pods/exec"),
        ("hub", "create", "serviceaccounts/token"),
        ("hub", "update", "instancetypes.carrel.dev"),
        ("warehouse", "get", "secrets"),
        ("warehouse", "create", "serviceaccounts/token"),
        ("identity", "get", "serviceaccounts"),
        ("proxy", "get", "pods"),
    ],
)
def test_what_a_component_need_not_do_it_may_not(
    kube: Kubectl, component: str, verb: str, resource: str
) -> None:
    assert not may(kube, f"system:serviceaccount:{NAMESPACE}:{component}", verb, resource)


def may(kube: Kubectl, account: str, verb: str, resource: str) -> bool:
    """What the API server answers to a SubjectAccessReview."""
    resource, _, group = resource.partition(".")
    resource, _, sub = resource.partition("/")
    asked = {"namespace": NAMESPACE, "verb": verb, "resource": resource, "group": group, "subresource": sub}
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}", "system:authenticated"]
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": account, "groups": groups, "resourceAttributes": asked},
    }
    answer = kube("create", "-f", "-", "-o", "json", stdin=json.dumps(review))
    return bool(json.loads(answer)["status"]["allowed"])
