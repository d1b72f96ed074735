"""The kubelet renews a notebook's token by itself, and a client that has been open all the while goes on.

It takes eleven minutes, because no token of Kubernetes lasts less than ten.
"""

from collections.abc import Callable

import pytest

from support.cluster import Person, eventually
from support.figures import report
from support.kernels import Kernel

pytestmark = [pytest.mark.cluster, pytest.mark.bench]

OPEN = """
import base64, json, time
from pathlib import Path
from google.cloud import bigquery
client = bigquery.Client()
token = Path("/var/run/carrel/token/token")
first = token.read_text()
def claims(text): return json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))
def ask():
    client._credentials.token = None  # as an hour later, when the access token is over
    return next(iter(client.query_and_wait("SELECT 1 AS n"))).n
print(ask(), claims(first)["exp"] - claims(first)["iat"])
"""
RENEWED = "print(token.read_text() != first, round(time.time() - claims(first)['iat']))"
OVER = "print(time.time() > claims(first)['exp'] + 60)"  # with the leeway that clocks are given
AFTERWARDS = """
print(ask())
Path("/tmp/first").write_text(first)
credentials = json.loads(Path("/var/run/carrel/credentials/credentials.json").read_text())
credentials["credential_source"]["file"] = "/tmp/first"
from google.auth import load_credentials_from_dict
from google.auth.transport.requests import Request
old, _ = load_credentials_from_dict(credentials, scopes=["https://www.googleapis.com/auth/bigquery"])
try:
    old.refresh(Request())
except Exception as error:
    print(error)
"""


def test_a_token_renewed_by_the_kubelet_is_picked_up(person: Callable[..., Person]) -> None:
    ada = person()
    ada.start()
    kernel = Kernel.start(ada, "long.ipynb")
    opened = kernel.run(OPEN)
    assert opened.error is None, opened
    answer, seconds = opened.said.split()
    if int(seconds) > 700:
        pytest.skip(
            f"tokens of this platform last {seconds} s: warehouse.tokenExpirationSeconds is not the least"
        )
    assert answer == "1"

    def renewed() -> int:
        found, age = kernel.run(RENEWED).said.split()
        return int(age) if found == "True" else 0

    age = eventually("the kubelet has renewed the token", renewed, 660, every=15)
    eventually("the first token is over", lambda: kernel.run(OVER).said.strip() == "True", 240, every=15)
    outcome = kernel.run(AFTERWARDS)
    assert outcome.error is None, outcome
    answer, refused = outcome.said.strip().splitlines()
    assert answer == "1"
    assert "expired" in refused
    report(
        "A notebook's token",
        ["lasts, s", "renewed at the age of, s", "afterwards a query", "the first token then"],
        [[seconds, age, "works", "is refused"]],
    )
