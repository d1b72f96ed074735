"""Only a token that this cluster signed, for this exchange, for a person, and now, becomes an access token."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from unit.warehouse.doubles import AUDIENCE, ApiServer, Client, exchange, signed_in

FOREIGN = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def tampered(server: ApiServer) -> str:
    good, other = server.token(), server.token(sub="system:serviceaccount:carrel:user-bob")
    return ".".join([good.split(".")[0], other.split(".")[1], good.split(".")[2]])


def unsigned(server: ApiServer) -> str:
    claims = jwt.decode(server.token(), options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none", headers={"kid": server.current})


def public_key_as_secret(server: ApiServer) -> str:
    """The classic confusion: sign with the public key, which everybody has, and call it HMAC."""
    public = server.private[server.current].public_key()
    secret = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "JWT", "kid": server.current}
    signed = f"{encoded(json.dumps(header).encode())}.{server.token().split('.')[1]}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hours(off: int) -> dict[str, int]:
    """The times of a token that is good for an hour by a clock that is so many hours off."""
    now = int(time.time()) + off * 3600 - 10
    return {"iat": now, "nbf": now, "exp": now + 3600}


REFUSED: dict[str, tuple[Callable[[ApiServer], str], str]] = {
    "tampered": (tampered, "signature does not match"),
    "foreign cluster, same key id": (lambda s: s.token(key=FOREIGN), "signature does not match"),
    "foreign cluster, other key id": (
        lambda s: s.token(key=FOREIGN, kid="theirs"),
        "a key that its issuer does not have",
    ),
    "unsigned": (unsigned, "signed with none"),
    "signed with the public key": (public_key_as_secret, "signed with HS256"),
    "other audience": (
        lambda s: s.token(aud=["https://kubernetes.default.svc"]),
        "audience in the ID Token does not match",
    ),
    "no audience": (lambda s: s.token(aud=None), "not valid"),
    "other issuer": (
        lambda s: s.token(iss="https://accounts.example.com"),
        "issuer in the ID Token does not match",
    ),
    "expired": (lambda s: s.token(exp=int(time.time()) - 60), "expired"),
    "never expires": (lambda s: s.token(exp=None), "not valid"),
    "expires at no time": (lambda s: s.token(exp="soon"), "its times must be numbers"),
    "expires at no number": (lambda s: s.token(exp=float("nan")), "expired"),
    "not yet": (lambda s: s.token(nbf=int(time.time()) + 600), "not valid"),
    "from a clock an hour ahead": (lambda s: s.token(**hours(1)), "not valid"),
    "from a clock an hour behind": (lambda s: s.token(**hours(-1)), "expired"),
    "not a ServiceAccount": (lambda s: s.token(sub="system:node:n1"), "is not a Kubernetes ServiceAccount"),
    "half a ServiceAccount": (
        lambda s: s.token(sub="system:serviceaccount:carrel:"),
        "is not a Kubernetes ServiceAccount",
    ),
    "other namespace": (
        lambda s: s.token(sub="system:serviceaccount:kube-system:user-ada"),
        "belongs to no person",
    ),
    "nobody's ServiceAccount": (
        lambda s: s.token(sub="system:serviceaccount:carrel:hub"),
        "belongs to no person",
    ),
    "deleted ServiceAccount": (
        lambda s: s.token(sub="system:serviceaccount:carrel:user-gone"),
        "belongs to no person",
    ),
    "a person who goes by the operator's address": (
        lambda s: s.token(sub="system:serviceaccount:carrel:user-eve"),
        "is not a person's",
    ),
    "another namespace's operator": (
        lambda s: s.token(sub="system:serviceaccount:kube-system:operator"),
        "belongs to no person",
    ),
    "not a token": (lambda _: "abc", "not a signed JWT"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_token_that_proves_nothing_is_refused(
    client: Client, api_server: ApiServer, case: str
) -> None:
    make, sentence = REFUSED[case]
    status, answer = await exchange(client, make(api_server))
    assert (status, answer["error"]) == (400, "invalid_grant")
    assert sentence in answer["error_description"]
    assert "access_token" not in answer


@pytest.mark.parametrize(
    ("account", "email"),
    [
        ("user-ada", "ada@example.org"),
        ("user-bob", "bob@corp.example"),
        ("project-risk-20005", "project-risk-20005@carrel-projects.example.org"),
        ("project-risk-20009", "project-risk-20009@carrel-projects.example.org"),
        ("operator", "operator@carrel-system.example.org"),
        ("auditor", "auditor@carrel-system.example.org"),
    ],
)
async def test_a_good_token_becomes_its_owner(
    client: Client, api_server: ApiServer, account: str, email: str
) -> None:
    async with client.get("/who", headers=await signed_in(client, api_server, account)) as answer:
        assert (await answer.json())["email"] == email


async def test_the_answer_is_that_of_the_rfc(client: Client, api_server: ApiServer) -> None:
    status, answer = await exchange(client, api_server.token())
    assert status == 200
    assert {key: value for key, value in answer.items() if key != "access_token"} == {
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 3600,
    }


async def test_json_with_camel_case_is_taken_too(client: Client, api_server: ApiServer) -> None:
    body = {
        "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": AUDIENCE,
        "subjectToken": api_server.token(),
        "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
    }
    async with client.post("/sts/v1/token", json=body) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "unsupported_grant_type"),
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token": ""}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"audience": "//iam.googleapis.com/projects/1"}, "invalid_target"),
        ({"audience": None}, "invalid_target"),
    ],
)
async def test_a_wrong_request_says_what_is_wrong(
    client: Client, api_server: ApiServer, fields: dict[str, str | None], error: str
) -> None:
    status, answer = await exchange(client, api_server.token(), **fields)
    assert (status, answer["error"]) == (400, error)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
async def test_a_body_that_is_no_request_is_refused(client: Client, body: bytes) -> None:
    async with client.post(
        "/sts/v1/token", data=body, headers={"Content-Type": "application/json"}
    ) as answer:
        assert answer.status == 400


async def test_keys_are_fetched_with_the_pods_own_token_and_kept(
    client: Client, api_server: ApiServer
) -> None:
    for _ in range(3):
        assert (await exchange(client, api_server.token()))[0] == 200
    assert api_server.fetches == 1
    assert api_server.bearers == {"Bearer the pod's own token"}


async def test_a_rotated_key_is_found(
    client: Client, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await exchange(client, api_server.token()))[0] == 200
    monkeypatch.setattr("carrel_warehouse.stand_in.cluster.REFETCH_SECONDS", 0.0)
    api_server.rotate("second")
    assert (await exchange(client, api_server.token()))[0] == 200
    assert (await exchange(client, api_server.token(kid="first")))[0] == 200


async def test_made_up_key_ids_do_not_load_the_api_server(client: Client, api_server: ApiServer) -> None:
    for number in range(20):
        assert (await exchange(client, api_server.token(key=FOREIGN, kid=f"made-up-{number}")))[0] == 400
    assert api_server.fetches == 1


async def test_without_the_api_server_clients_are_told_to_try_again(
    client: Client, api_server: ApiServer, servers: Any
) -> None:
    token = api_server.token()
    await servers[0].close()
    assert (await exchange(client, token))[0] == 503
