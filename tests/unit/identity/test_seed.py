"""The seed is taken whole or refused with a sentence; what canaille gets says who is in which group."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from carrel_identity import seed as seeds
from carrel_identity.host import OnePublicHost

GOOD = {
    "name": "Carrel demo sign-in",
    "publicUrl": "http://localhost:8001",
    "secretKey": "0123456789abcdef",
    "client": {
        "id": "hub",
        "secret": "s3",
        "uri": "http://localhost:8000",
        "redirectUris": ["http://localhost:8000/hub/oauth_callback"],
    },
    "users": {
        "ada": {
            "name": "Ada Lovelace",
            "email": "ada@example.org",
            "password": "engine",
            "groups": ["analysts", "staff"],
        },
        "alan": {
            "name": "Alan Turing",
            "email": "alan@example.org",
            "password": "bombe",
            "groups": ["analysts"],
        },
        "zoë": {"name": "Zoë", "email": "zoe@example.org", "password": "x"},
    },
}


def test_groups_hold_their_members() -> None:
    records = seeds.records(seeds.parse(GOOD))
    keys = {user["user_name"]: user["id"] for user in records["user"]}
    members = {group["display_name"]: set(group["members"]) for group in records["group"]}
    assert members == {"analysts": {keys["ada"], keys["alan"]}, "staff": {keys["ada"]}}


@pytest.mark.parametrize(
    ("username", "given", "family"),
    [("ada", "Ada", "Lovelace"), ("zoë", "Zoë", "Zoë")],
    ids=["two-words", "one-word"],
)
def test_names_are_split_for_the_claims(username: str, given: str, family: str) -> None:
    record = next(user for user in seeds.records(seeds.parse(GOOD))["user"] if user["user_name"] == username)
    assert (record["given_name"], record["family_name"]) == (given, family)


def test_nobody_can_edit_accounts_or_groups_in_the_browser() -> None:
    acl = seeds.settings(seeds.parse(GOOD), "x.sqlite", [])["CANAILLE"]["ACL"]
    assert acl == {"DEFAULT": {"PERMISSIONS": ["use_oidc"], "READ": ["user_name", "groups"], "WRITE": []}}


def test_a_form_is_sent_once() -> None:
    assert seeds.settings(seeds.parse(GOOD), "x.sqlite", [])["CANAILLE"]["HTMX"] is False


def test_the_public_address_is_the_issuer() -> None:
    settings = seeds.settings(seeds.parse(GOOD), "x.sqlite", [])
    assert (settings["PREFERRED_URL_SCHEME"], settings["SERVER_NAME"]) == ("http", "localhost:8001")


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ((), [], "The seed must be a map."),
        (("users",), None, "The seed lacks users."),
        (("users",), {}, "users must be a map with at least one user name as its key."),
        (("users", "ada", "pasword"), "x", "users.ada has the unknown key pasword"),
        (("users", "ada", "password"), None, "users.ada lacks password."),
        (("users", "ada", "password"), "", "users.ada: password must be a text that is not empty."),
        (("users", "ada", "email"), "ada", "users.ada.email must be an e-mail address, and 'ada' is none."),
        (
            ("users", "ada", "email"),
            "alan@example.org",
            "The address alan@example.org belongs to more than one user.",
        ),
        (("users", "ada", "groups"), "analysts", "users.ada: groups must be a list of texts."),
        (("client", "redirectUris"), [], "client: redirectUris must be a list of texts."),
        (("publicUrl",), "localhost:8001", "publicUrl must look like"),
        (("publicUrl",), "http://localhost:8001/sso", "publicUrl must look like"),
    ],
)
def test_a_bad_seed_is_refused_with_a_sentence(path: tuple[str, ...], value: object, sentence: str) -> None:
    """`None` as the value removes the key."""
    document: object = copy.deepcopy(GOOD)
    if not path:
        document = value
    else:
        target = document
        for key in path[:-1]:
            target = target[key]  # type: ignore[index]
        if value is None:
            del target[path[-1]]  # type: ignore[attr-defined]
        else:
            target[path[-1]] = value  # type: ignore[index]
    with pytest.raises(seeds.SeedError, match=re.escape(sentence)):
        seeds.parse(document)


def test_a_request_by_an_inner_name_is_answered_as_public() -> None:
    seen: list[tuple[str, str]] = []

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        seen.append((environ["wsgi.url_scheme"], environ["HTTP_HOST"]))
        start_response("200 OK", [])
        return [b""]

    wrapped = OnePublicHost(application, "https://sign-in.example.org")
    wrapped({"wsgi.url_scheme": "http", "HTTP_HOST": "identity:8080"}, lambda *_: lambda _: None)
    assert seen == [("https", "sign-in.example.org")]
