"""Nobody gets a right that it does not use: what Carrel's own accounts may do, and what nobody may."""

from collections.abc import Iterator

from chart.rendering import NAMESPACE, Manifest, Rendered

FORBIDDEN_VERBS = {"*", "escalate", "bind", "impersonate", "deletecollection"}
FORBIDDEN_RESOURCES = {"*", "pods/exec", "pods/attach", "pods/portforward", "serviceaccounts/token", "nodes"}


def _rules(rendered: Rendered) -> Iterator[tuple[str, Manifest]]:
    for kind in ("Role", "ClusterRole"):
        for name, role in rendered.of_kind(kind).items():
            for rule in role["rules"]:
                yield f"{kind} {name}", rule


def test_no_role_has_a_wildcard_or_a_way_around(rendered: Rendered) -> None:
    for name, rule in _rules(rendered):
        assert not FORBIDDEN_VERBS & set(rule["verbs"]), name
        assert not FORBIDDEN_RESOURCES & set(rule["resources"]), name
        assert "*" not in rule["apiGroups"], name


def test_nobody_reads_secrets(rendered: Rendered) -> None:
    for name, rule in _rules(rendered):
        if "secrets" in rule["resources"]:
            assert set(rule["verbs"]) <= {"create", "patch"}, name


def test_only_the_hub_writes_secrets(rendered: Rendered) -> None:
    assert {name for name, rule in _rules(rendered) if "secrets" in rule["resources"]} == {"Role hub"}


CLUSTER_WIDE = {
    "carrel.dev": ({"instancetypes", "notebookimages"}, {"get", "list", "watch"}),
    "storage.k8s.io": ({"storageclasses"}, {"get"}),
    "snapshot.storage.k8s.io": ({"volumesnapshotclasses"}, {"list"}),
}


def test_cluster_wide_everybody_only_reads_the_catalogue_and_the_operator_which_storage_has_snapshots(
    rendered: Rendered,
) -> None:
    for name, role in rendered.of_kind("ClusterRole").items():
        for rule in role["rules"]:
            [group] = rule["apiGroups"]
            resources, verbs = CLUSTER_WIDE[group]
            assert set(rule["resources"]) <= resources
            assert set(rule["verbs"]) <= verbs
            assert group == "carrel.dev" or "operator" in name


def test_bindings_join_what_is_there(rendered: Rendered) -> None:
    accounts = rendered.of_kind("ServiceAccount")
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for binding in rendered.of_kind(kind).values():
            assert binding["roleRef"]["name"] in rendered.of_kind(binding["roleRef"]["kind"])
            for subject in binding["subjects"]:
                assert subject["name"] in accounts
                assert subject["namespace"] == NAMESPACE


def test_the_proxy_and_the_sign_in_have_no_rights(rendered: Rendered) -> None:
    bound = {
        subject["name"]
        for kind in ("RoleBinding", "ClusterRoleBinding")
        for binding in rendered.of_kind(kind).values()
        for subject in binding["subjects"]
    }
    assert bound <= {"gateway", "hub", "operator", "warehouse"}


def test_the_gateway_writes_nothing_but_what_projects_have_used(rendered: Rendered) -> None:
    role = rendered.of_kind("Role").get("gateway")
    for rule in role["rules"] if role else []:
        writes = set(rule["verbs"]) - {"get", "list", "watch"}
        assert not writes or (rule["resources"], writes) == (["projects/status"], {"patch"})
