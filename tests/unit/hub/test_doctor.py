"""What the hub's doctor makes of what it reads, what it takes from a server, and which report of one is written."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from carrel_hub import doctor, reports
from carrel_hub.findings import Finding, of_server
from carrel_operator.api import Identity, Notebook, Project
from carrel_operator.settings import Settings, parse

Body = dict[str, Any]
PROVIDER = "iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/carrel/providers/cluster"
EGRESS = [{"to": [{"podSelector": {}}]}]


def config(audience: str = f"https://{PROVIDER}", mode: str = "federated") -> Body:
    identity = {
        "mode": mode,
        "audience": audience,
        "project": "pays",
        "serviceAccountAnnotations": {"a": "b"},
    }
    document = {"namespace": "carrel", "identity": identity, "network": {"egress": EGRESS}}
    return {"data": {"settings.yaml": json.dumps(document)}}


SETTINGS: Settings = parse(json.loads(config()["data"]["settings.yaml"]))


def credentials(**changes: str) -> Body:
    document = {"type": "external_account", "audience": f"//{PROVIDER}"} | changes
    return {"data": {"credentials.json": json.dumps(document)}}


def notebook(**status: Any) -> Notebook:
    spec = {"owner": "ada", "running": True, "session": "s1", "instanceType": "small", "image": "standard"}
    metadata = {"name": "ada", "namespace": "carrel", "uid": "u", "generation": 1}
    return Notebook.parse({"metadata": metadata, "spec": spec, "status": status})


def identity_ready(status: str) -> Body:
    return {"type": "IdentityReady", "status": status, "reason": "Issued", "message": "So it is."}


def account(**annotations: str) -> Body:
    return {"metadata": {"annotations": annotations}}


ADA = notebook()
OWN = {"carrel.dev/owner": "ada"}
Look = Callable[[], Finding | None]

LOOKS: dict[str, tuple[Look, str, str]] = {
    "settings": (lambda: doctor.read_settings(config(), "carrel")[1], "ok", ""),
    "no settings": (lambda: doctor.read_settings(None, "carrel")[1], "failed", "helm upgrade"),
    "settings that are none": (
        lambda: doctor.read_settings({"data": {"settings.yaml": "a: ["}}, "carrel")[1],
        "failed",
        "helm upgrade",
    ),
    "an unknown mode": (
        lambda: doctor.read_settings(config(mode="magic"), "carrel")[1],
        "failed",
        "helm upgrade",
    ),
    "no provider": (
        lambda: doctor.read_settings(config("https://iam.googleapis.com/projects/x"), "carrel")[1],
        "failed",
        "--set warehouse.google.audience=",
    ),
    "issuer": (lambda: doctor.issuer("https://a", "https://a"), "ok", ""),
    "another issuer": (
        lambda: doctor.issuer("https://a", "https://b"),
        "failed",
        "--service-account-issuer=https://a",
    ),
    "no issuer": (lambda: doctor.issuer("", "https://b"), "unknown", ""),
    "credentials": (lambda: doctor.credentials(credentials(), SETTINGS), "ok", ""),
    "no credentials": (lambda: doctor.credentials(None, SETTINGS), "failed", "helm upgrade"),
    "a key": (
        lambda: doctor.credentials(credentials(type="service_account"), SETTINGS),
        "failed",
        "helm upgrade",
    ),
    "credentials for another": (
        lambda: doctor.credentials(credentials(audience="//x"), SETTINGS),
        "failed",
        "helm upgrade",
    ),
    "a stand-in": (
        lambda: doctor.deployment("warehouse", {"spec": {}, "status": {"readyReplicas": 1}}, "carrel"),
        "ok",
        "",
    ),
    "a stand-in scaled to 0": (
        lambda: doctor.deployment("warehouse", {"spec": {"replicas": 0}}, "carrel"),
        "failed",
        "scale deployment warehouse --replicas=1",
    ),
    "a stand-in that does not come up": (
        lambda: doctor.deployment("warehouse", {"spec": {"replicas": 1}}, "carrel"),
        "failed",
        "rollout restart deployment warehouse",
    ),
    "an account": (lambda: doctor.account("user-ada", account(a="b", **OWN), ADA, SETTINGS), "ok", ""),
    "no account": (lambda: doctor.account("user-ada", None, ADA, SETTINGS), "failed", "carrel restart"),
    "an account without the annotation": (
        lambda: doctor.account("user-ada", account(**OWN), ADA, SETTINGS),
        "failed",
        "annotate --overwrite serviceaccount user-ada 'a=b'",
    ),
    "an account of another": (
        lambda: doctor.account("user-ada", account(a="b", **{"carrel.dev/owner": "bob"}), ADA, SETTINGS),
        "failed",
        "'carrel.dev/owner=ada'",
    ),
    "a policy": (lambda: doctor.policy({"spec": {"egress": EGRESS}}, ADA, SETTINGS), "ok", ""),
    "another policy": (
        lambda: doctor.policy({"spec": {"egress": []}}, ADA, SETTINGS),
        "failed",
        "delete networkpolicy",
    ),
    "no policy": (
        lambda: doctor.policy(None, ADA, SETTINGS),
        "failed",
        "rollout restart deployment operator",
    ),
    "an identity": (lambda: doctor.state(notebook(conditions=[identity_ready("True")])), "ok", ""),
    "no identity": (
        lambda: doctor.state(notebook(conditions=[identity_ready("False")])),
        "failed",
        "carrel restart",
    ),
    "never started": (lambda: doctor.state(None), "skipped", ""),
}


@pytest.mark.parametrize(("look", "state", "command"), LOOKS.values(), ids=LOOKS.keys())
def test_each_link_is_judged_with_what_mends_it(look: Look, state: str, command: str) -> None:
    found = look()
    assert found is not None
    assert (found.state, bool(found.message)) == (state, True)
    assert command in found.command
    assert bool(found.command) == bool(command)


def test_only_servers_that_run_are_judged() -> None:
    condition = [identity_ready("False")]
    running, stopped = (notebook(phase=phase, conditions=condition) for phase in ("Running", "Stopped"))
    assert [each.state for each in doctor.identities([running, stopped])] == ["failed"]


def test_a_part_that_is_not_installed_is_nothing_to_judge() -> None:
    assert doctor.deployment("gateway", None, "carrel") is None


def test_what_a_server_says_is_bounded_and_can_move_no_cursor() -> None:
    claimed = {
        "name": "a\x1b[2J",
        "state": "brilliant",
        "message": "x" * 10_000,
        "command": "ls\u202e",
        "more": 1,
    }
    found = of_server({"findings": [claimed, "nonsense"] * 200})
    assert len(found) == 50
    assert found[0].name == "a [2J"
    assert (found[0].state, len(found[0].message), found[0].command) == ("unknown", 2048, "ls ")
    assert found[0].where == "server"
    assert [each.state for each in of_server(["nonsense"])] == ["unknown"]


def test_a_person_is_told_of_the_datasets_of_their_projects_only() -> None:
    def project(name: str, **warehouse: Any) -> Project:
        spec = {"members": [], "warehouse": warehouse}
        return Project.parse({"metadata": {"name": name, "namespace": "carrel"}, "spec": spec})

    projects = [
        project("risk", billingProject="risk-pays", datasets=[{"id": "sales", "role": "viewer"}]),
        project(
            "own", datasets=[{"id": "other-proj.raw", "role": "editor"}, {"id": "mine", "role": "viewer"}]
        ),
        project("secret", datasets=[{"id": "hidden", "role": "viewer"}]),
    ]
    ada = notebook(principal="p", projects=[{"name": "risk"}, {"name": "own"}])
    found = doctor.warehouse(ada, projects, "pays")
    assert found["principal"] == "p"
    assert [(each["billing_project"], each["name"], each["role"]) for each in found["datasets"]] == [
        ("other-proj", "raw", "editor"),
        ("pays", "mine", "viewer"),
        ("risk-pays", "sales", "viewer"),
    ]


def said(**identity: Any) -> reports.Identity:
    found = reports.parse(json.dumps({"identity": identity}).encode()).identity
    assert found
    return found


def test_that_all_is_well_is_news_only_after_it_was_not() -> None:
    ill, well = Identity("s1", ready=False, message="No token."), Identity("s1", ready=True)
    assert said(ready=True).news(notebook()) is None
    assert said(ready=False, message="No token.").news(notebook()) == ill
    assert said(ready=False, message="No token.").news(notebook(identity=ill.body())) is None
    assert said(ready=True).news(notebook(identity=ill.body())) == well
    assert said(ready=True).news(notebook(identity=well.body())) is None
    assert said(ready=True).news(notebook(identity=ill.body() | {"session": "s0"})) is None


@pytest.mark.parametrize(
    "identity",
    [{}, {"ready": "yes"}, {"ready": False, "message": "x" * 1025}, {"ready": False, "message": "a\nb"}],
)
def test_a_report_of_an_identity_is_a_claim(identity: Body) -> None:
    with pytest.raises(reports.ReportError):
        said(**identity)
