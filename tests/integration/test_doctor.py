"""The doctor on a real cluster: each link is broken in turn and named, and a start waits for its identity, not for ever."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jwt
import pytest

from carrel_operator import names
from support.cluster import Kubectl, Person, eventually, quoted
from support.kernels import Kernel
from support.teams import Team
from support.terminal import carrel

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]
Findings = dict[str, dict[str, str]]

QUERY = """
from google.cloud import bigquery
[row] = bigquery.Client().query_and_wait("SELECT 6 * 7 AS answer")
print(row.answer)
"""

# The doctor with files of the test's own in place of the pod's.
EXAMINED = """
import json, os, subprocess, time
changes, token = json.loads({given!r})
credentials = json.load(open(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]))
if token is not None:
    open("/tmp/doctor-token", "w").write(token)
    credentials["credential_source"]["file"] = "/tmp/doctor-token"
credentials.update(changes)
json.dump(credentials, open("/tmp/doctor.json", "w"))
began = time.monotonic()
environment = {{**os.environ, "GOOGLE_APPLICATION_CREDENTIALS": "/tmp/doctor.json"}}
done = subprocess.run(["carrel-doctor"], capture_output=True, text=True, env=environment)
print(json.dumps([done.returncode, done.stdout, done.stderr, time.monotonic() - began]))
"""

# One client all along: what it holds from the first exchange is thrown away, as when its hour is over.
ROTATED = """
import json, os, google.auth
from google.auth.transport.requests import Request
from google.cloud import bigquery
first, second = json.loads({tokens!r})
document = json.load(open(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]))
document["credential_source"]["file"] = "/tmp/rotating-token"
json.dump(document, open("/tmp/rotating.json", "w"))
def put(token): open("/tmp/rotating-token", "w").write(token)
put(first)
os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = "/tmp/rotating.json"
credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
client = bigquery.Client(project, credentials)
def ask(): return [row.n for row in client.query_and_wait("SELECT 1 AS n")]
print(ask())
put("nonsense")
try:
    credentials.refresh(Request())
except Exception as error:
    print(type(error).__name__)
put(second)
credentials.refresh(Request())
print(ask())
"""


@pytest.fixture
def broken(kube: Kubectl) -> Iterator[Callable[..., None]]:
    """Changes an object that belongs to the release, and puts it back afterwards."""
    undo: list[tuple[str, str, Any]] = []

    def change(kind: str, name: str, path: str, value: Any) -> None:
        found = kube.get(kind, name)
        if found is None:
            pytest.skip(f"this platform has no {kind} '{name}'")
        for part in path.strip("/").split("/"):
            found = found[part]
        undo.append((f"{kind}/{name}", path, found))
        patch(kube, f"{kind}/{name}", path, value)

    yield change
    for thing, path, value in reversed(undo):
        patch(kube, thing, path, value)
    kube("rollout", "status", "deployment/warehouse", "--timeout=180s", timeout=200)


def patch(kube: Kubectl, thing: str, path: str, value: Any) -> None:
    kube("patch", thing, "--type=json", "-p", json.dumps([{"op": "replace", "path": path, "value": value}]))


def examined(somebody: Person, token: str | None = None, **changes: Any) -> tuple[int, str, float]:
    """``carrel-doctor`` with another token or credentials: its exit code, its lines, the seconds it took."""
    code = EXAMINED.format(given=json.dumps([changes, token]))
    status, out, err, seconds = json.loads(somebody.python(code))
    assert not err
    return status, out, seconds


def asked(hub: httpx.Client, path: str) -> Findings:
    answer = hub.get(path)
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()["findings"]}


def of(somebody: Person, hub: httpx.Client) -> Findings:
    return asked(hub, f"/users/{quoted(somebody.name)}/server/doctor")


def failed(found: Findings) -> list[str]:
    return [name for name, each in found.items() if each["state"] == "failed"]


def test_when_all_is_well_every_link_holds_and_soon(person: NewPerson, hub: httpx.Client) -> None:
    ada = person()
    ada.start()
    status, out, seconds = examined(ada)
    print(out, f"{seconds:.1f} s")
    assert status == 0, out
    assert out.count("✓") >= 9
    assert "✗" not in out
    assert seconds < 3
    assert failed(of(ada, hub)) == []
    assert ada.identity()["status"] == "True"
    status, out = carrel(ada, "doctor")
    print(out)
    assert status == 0, out
    assert "✓ service account" in out
    assert "✓ right to query" in out
    whole = asked(hub, "/carrel/doctor")
    assert {whole[name]["state"] for name in ("settings", "issuer", "credentials", "warehouse")} == {"ok"}
    status, out = carrel(ada, "doctor", "--all")  # a person's own token is no administrator's
    assert status == 1, out


def test_what_is_wrong_with_a_token_or_its_file_is_named(person: NewPerson, kube: Kubectl) -> None:
    ada = person()
    ada.start()
    account = names.service_account(ada.name)
    elsewhere = kube("create", "token", account, "--audience=https://elsewhere").strip()
    good = kube("create", "token", account, "--audience=https://warehouse.carrel.local/clusters/this").strip()
    claims = jwt.decode(good, options={"verify_signature": False})
    stale = jwt.encode(claims | {"exp": int(time.time()) - 60}, None, algorithm="none")
    source = {"file": "/home/no-such-token", "format": {"type": "text"}}
    for what, said, given in (
        (
            "a token for somebody else",
            "✗ audience: The token is made for https://elsewhere",
            {"token": elsewhere},
        ),
        ("an expired token", "✗ expiry: The token expired at", {"token": stale}),
        ("no token file", "✗ token: The token file /home/no-such-token", {"credential_source": source}),
        ("another provider", "✗ audience: ", {"audience": "//warehouse.carrel.local/clusters/other"}),
        ("a key file", "✗ credentials file: ", {"type": "service_account"}),
    ):
        status, out, _ = examined(ada, **given)
        assert status == 1, (what, out)
        assert said in out, (what, out)
        assert out.count("✗") == 1, (what, out)


@pytest.mark.alone
def test_a_start_without_its_identity_says_so_and_mends_itself(
    person: NewPerson, kube: Kubectl, hub: httpx.Client, broken: Callable[..., None]
) -> None:
    broken("deployment", "warehouse", "/spec/replicas", 0)
    eventually(
        "the stand-in is away",
        lambda: not kube.items("pods", "app.kubernetes.io/component=warehouse"),
        60,
    )
    ada = person()
    began = time.monotonic()
    ada.start()
    print(f"ready after {time.monotonic() - began:.1f} s")
    eventually("the condition says no", lambda: ada.identity().get("status") == "False", 30)
    condition = ada.identity()
    print(condition["message"])
    assert condition["reason"] == "IdentityNotReady"
    assert "Queries do not work yet (token exchange): " in condition["message"]
    assert condition["message"] in kube("get", "notebooks", "-o", "wide")
    found = of(ada, hub)
    print(json.dumps(found, indent=1))
    assert found["token exchange"]["state"] == "failed"
    whole = asked(hub, "/carrel/doctor")
    assert whole["warehouse"]["command"].endswith("scale deployment warehouse --replicas=1")
    assert whole[f"notebook {names.notebook(ada.name)}"]["state"] == "failed"
    kube("scale", "deployment/warehouse", "--replicas=1")
    eventually("the condition says yes by itself", lambda: ada.identity().get("status") == "True", 180)
    assert Kernel.start(ada, "first.ipynb").run(QUERY).said.strip() == "42"


@pytest.fixture
def warehouse_clock(kube: Kubectl) -> Iterator[Callable[[int], None]]:
    """Sets the warehouse's clock so many seconds ahead of the cluster's, and right again afterwards."""

    def ahead(seconds: int) -> None:
        kube("set", "env", "deployment/warehouse", "-c=stand-in", f"CARREL_CLOCK_AHEAD_SECONDS={seconds}")
        kube("rollout", "status", "deployment/warehouse", "--timeout=180s", timeout=200)

    yield ahead
    kube("set", "env", "deployment/warehouse", "-c=stand-in", "CARREL_CLOCK_AHEAD_SECONDS-")
    kube("rollout", "status", "deployment/warehouse", "--timeout=180s", timeout=200)


@pytest.mark.alone
def test_a_clock_that_is_an_hour_off_is_named_and_costs_nothing(
    person: NewPerson, hub: httpx.Client, warehouse_clock: Callable[[int], None]
) -> None:
    ada = person()
    ada.start()
    for ahead, way, refusal in (
        (3600, "behind", "The ID Token is expired."),
        (-3600, "ahead of", "The ID Token is not valid yet: it was issued in the future."),
    ):
        warehouse_clock(ahead)
        outcome = Kernel.start(ada, f"{way}.ipynb").run(QUERY)
        print(outcome.error)
        assert refusal in str(outcome.error)
        status, out, _ = examined(ada)
        print(out)
        assert status == 1, out
        assert f"✗ clock: The node's clock is 60 minutes {way} that of the exchange" in out
        assert out.count("✗") == 1, out
        assert failed(of(ada, hub)) == ["clock"]
        assert ada.identity()["status"] == "True"  # of the start, and nothing is written since
    warehouse_clock(0)
    assert Kernel.start(ada, "right.ipynb").run(QUERY).said.strip() == "42"


def test_a_dataset_that_a_project_gives_and_nobody_made_is_named(
    person: NewPerson, team: Team, hub: httpx.Client
) -> None:
    ada = person()
    team.apply((ada, "editor"), warehouse={"datasets": [{"id": "no_such_dataset", "role": "viewer"}]})
    team.kube("wait", f"project/{team.name}", "--for=condition=Ready", "--timeout=60s")
    ada.start()
    found = of(ada, hub)
    [name] = [each for each in found if each.startswith("dataset ")]
    assert name.endswith(".no_such_dataset")
    assert found[name]["state"] == "failed", found[name]
    assert team.name in found[name]["message"]


def test_a_token_that_is_replaced_is_used_at_the_next_exchange(person: NewPerson, kube: Kubectl) -> None:
    ada = person()
    ada.start()
    account, audience = names.service_account(ada.name), "https://warehouse.carrel.local/clusters/this"
    tokens = [kube("create", "token", account, f"--audience={audience}").strip() for _ in range(2)]
    assert ada.python(ROTATED.format(tokens=json.dumps(tokens))).split() == ["[1]", "OAuthError", "[1]"]
