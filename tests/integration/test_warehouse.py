"""Keyless all the way: a running notebook asks the warehouse as its person, and no other token gets in."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from carrel_operator import names
from support.cluster import Kubectl, Person, Platform, unique
from support.kernels import Kernel

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]

QUERY = """
from google.cloud import bigquery
sql = "SELECT COUNT(*) AS flights, SESSION_USER() AS me FROM nycflights13.flights"
[row] = bigquery.Client().query_and_wait(sql)
print(row.flights, row.me)
"""

# What people use besides, without an argument of ours: Arrow, DataFrames, pandas-gbq there and back.
TOOLS = """
import pandas, pandas_gbq
from google.cloud import bigquery
client = bigquery.Client()
sql = "SELECT carrier, COUNT(*) AS flights FROM nycflights13.flights GROUP BY carrier"
print(client.query(sql).to_arrow().num_rows)
print(client.query(sql).to_dataframe().flights.sum())
print(pandas_gbq.read_gbq(sql, progress_bar_type=None).flights.sum())
client.create_dataset("{dataset}")
pandas_gbq.to_gbq(pandas.DataFrame({{"n": [6, 7]}}), "{dataset}.numbers", progress_bar=False)
[row] = client.query_and_wait("SELECT SUM(n) FROM {dataset}.numbers")
print(row[0])
client.delete_dataset("{dataset}", delete_contents=True)
"""

# Google's own form of the exchange (RFC 8693), with whatever tokens stdin has to offer, and what came back.
EXCHANGE = """
import json, os, urllib.error, urllib.parse, urllib.request
credentials = json.load(open(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]))
def ask(url, data=None, bearer=None):
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {bearer}"} if bearer else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
def exchange(token):
    return ask(credentials["token_url"], urllib.parse.urlencode({
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": credentials["audience"],
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": credentials["subject_token_type"],
        "subject_token": token}).encode())
def datasets(bearer):
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    return ask(os.environ["BIGQUERY_EMULATOR_HOST"] + f"/bigquery/v2/projects/{project}/datasets", None, bearer)
own = open("/var/run/carrel/token/token").read()
"""


@pytest.fixture(scope="module")
def audience(kube: Kubectl) -> str:
    settings = kube.get("configmap", "warehouse-credentials")
    if settings is None:
        pytest.skip("this platform has no federated warehouse")
    return "https:" + json.loads(settings["data"]["credentials.json"])["audience"]


def tried(somebody: Person, *tokens: str) -> list[tuple[int, dict[str, str]]]:
    """What the exchange answers to each token."""
    code = f"{EXCHANGE}\nfor token in json.loads({json.dumps(json.dumps(tokens))}): print(json.dumps(exchange(token)))"
    return [tuple(json.loads(line)) for line in somebody.python(code).splitlines()]


def test_a_query_needs_no_key_and_runs_as_the_person(person: NewPerson) -> None:
    ada = person()
    ada.start()
    assert ada.python(QUERY).split() == ["336776", f"{ada.name}@example.org"]


def test_an_owner_with_an_address_is_that_address(person: NewPerson) -> None:
    ada = person(f"ada.{time.time_ns()}@lovelace.example")
    ada.start()
    assert ada.python(QUERY).split() == ["336776", ada.name]


def test_what_people_use_besides_works_without_an_argument(person: NewPerson) -> None:
    ada = person()
    ada.start()
    dataset = unique("pandas").replace("-", "_")
    assert ada.python(TOOLS.format(dataset=dataset)).split() == ["16", "336776", "336776", "13"]


def test_a_query_that_fails_fails_its_cell_with_what_bigquery_says(person: NewPerson) -> None:
    ada = person()
    ada.start()
    kernel = Kernel.start(ada, "query.ipynb")
    for line in ("%%bigquery", "%%bigquery found"):
        outcome = kernel.run(f"{line}\nSELECT no_such_column FROM nycflights13.flights")
        assert outcome.error, outcome
        assert outcome.error[0] == "QueryFailedError"
        assert "no_such_column" in outcome.error[1]
    assert kernel.run("%%bigquery found\nSELECT 6 * 7 AS n").error is None
    assert kernel.run("print(found.n[0])").said.strip() == "42"


def test_a_token_that_proves_nothing_is_refused(
    person: NewPerson, kube: Kubectl, platform: Platform, audience: str
) -> None:
    ada = person()
    ada.start()
    account = names.service_account(ada.name)
    good = kube("create", "token", account, f"--audience={audience}").strip()
    bad = {
        "another audience": kube("create", "token", account, "--audience=https://elsewhere").strip(),
        "the API server's audience": kube("create", "token", account).strip(),
        "an account that is nobody": kube("create", "token", "default", f"--audience={audience}").strip(),
        "tampered": tampered(good),
        "unsigned": jwt.encode(claims(good), None, algorithm="none"),
        "another key": jwt.encode(
            claims(good), another_key(), "RS256", headers=jwt.get_unverified_header(good)
        ),
        "no token": "nonsense",
        "expired": expired(good, platform),
    }
    answers = dict(zip(bad, tried(ada, *bad.values()), strict=True))
    for what, (status, body) in answers.items():
        assert status in {400, 401, 403}, (what, status, body)
        assert body["error"] in {
            "invalid_grant",
            "invalid_request",
            "access_denied",
            "unauthorized_client",
        }, (what, body)
        assert body["error_description"], (what, body)
        assert "access_token" not in body
    [(status, body)] = tried(ada, good)
    assert status == 200
    assert body["access_token"]


def test_the_api_takes_only_what_it_gave_out(person: NewPerson) -> None:
    """A subject token is no access token; without one the answer is Google's own 401."""
    ada = person()
    ada.start()
    lines = ada.python(
        EXCHANGE + "for bearer in (None, 'nonsense', own): print(json.dumps(datasets(bearer)))\n"
        "print(json.dumps(datasets(exchange(own)[1]['access_token'])))"
    ).splitlines()
    *refused, (status, body) = [tuple(json.loads(line)) for line in lines]
    for code, answer in refused:
        assert code == 401
        assert answer["error"]["code"] == 401
        assert answer["error"]["status"] == "UNAUTHENTICATED"
        assert answer["error"]["message"]
    assert status == 200
    assert "nycflights13" in [each["datasetReference"]["datasetId"] for each in body["datasets"]]


def claims(token: str) -> dict[str, object]:
    return jwt.decode(token, options={"verify_signature": False})


def tampered(token: str) -> str:
    """The same signature under another person's name."""
    head, body, signature = token.split(".")
    text = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).replace(b"user-", b"usex-")
    return ".".join((head, base64.urlsafe_b64encode(text).rstrip(b"=").decode(), signature))


def another_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def expired(token: str, platform: Platform) -> str:
    """Signed by the cluster itself, for a time that is over; where its key is not here, by another."""
    file = Path(platform.kubeconfig).parent / "pki" / "service-accounts.key"
    key = file.read_text() if file.exists() else another_key()
    over = {"iat": int(time.time()) - 7200, "nbf": int(time.time()) - 7200, "exp": int(time.time()) - 3600}
    return jwt.encode({**claims(token), **over}, key, "RS256", headers=jwt.get_unverified_header(token))
