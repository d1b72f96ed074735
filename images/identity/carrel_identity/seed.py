"""The seed file says who may sign in; here it is checked whole, then told in canaille's words.

Nothing here touches canaille, so a wrong seed is refused before a database exists.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]


class SeedError(ValueError):
    """The seed can't be used; the message is a sentence for the person who wrote the values."""


@dataclass(frozen=True)
class User:
    """A person: what the sign-in page and the hub's claims need."""

    username: str
    name: str
    email: str
    password: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Client:
    """The one application people sign in to: the hub."""

    id: str
    secret: str
    uri: str
    redirect_uris: tuple[str, ...]


@dataclass(frozen=True)
class Seed:
    """Everything the provider is made of at each start."""

    name: str
    public_url: str
    secret_key: str
    client: Client
    users: tuple[User, ...]


def parse(document: object) -> Seed:
    """The seed in a decoded JSON document.

    Raises:
        SeedError: a key is missing, unknown or of the wrong type, or a value can't work.
    """
    top = _mapping(document, "The seed", {"name", "publicUrl", "secretKey", "client", "users"})
    client = _mapping(top["client"], "client", {"id", "secret", "redirectUris", "uri"})
    public_url = _text(top, "publicUrl", "The seed")
    _check_public_url(public_url)
    if not isinstance(top["users"], dict) or not top["users"]:
        raise SeedError("users must be a map with at least one user name as its key.")
    users = tuple(_user(username, entry) for username, entry in top["users"].items())
    emails = [user.email for user in users]
    if twice := sorted({email for email in emails if emails.count(email) > 1}):
        raise SeedError(f"The address {twice[0]} belongs to more than one user.")
    return Seed(
        name=_text(top, "name", "The seed"),
        public_url=public_url,
        secret_key=_text(top, "secretKey", "The seed"),
        client=Client(
            id=_text(client, "id", "client"),
            secret=_text(client, "secret", "client"),
            uri=_text(client, "uri", "client"),
            redirect_uris=_texts(client, "redirectUris", "client"),
        ),
        users=users,
    )


def settings(seed: Seed, database: str, signing_keys: list[Json]) -> Json:
    """Canaille's configuration; `signing_keys` are private JWKs, one of them for ES256."""
    public = urlsplit(seed.public_url)
    return {
        "SECRET_KEY": seed.secret_key,
        "SERVER_NAME": public.netloc,
        "PREFERRED_URL_SCHEME": public.scheme,
        "SEND_FILE_MAX_AGE_DEFAULT": 86400,  # two megabytes of style, which each page would ask for again
        "CANAILLE": {
            "NAME": seed.name,
            "LOGO": None,
            "FAVICON": None,
            "SMTP": None,
            "ENABLE_PASSWORD_RECOVERY": False,
            # Enter in a field would send it twice, once to be checked. Where the check is answered last, its cookie
            # takes the place of the one that says whose password is asked for, and the sign-in has to begin anew.
            "HTMX": False,
            # The values are the truth: nobody edits accounts here, and nobody makes a group that the hub would trust.
            "ACL": {"DEFAULT": {"PERMISSIONS": ["use_oidc"], "READ": ["user_name", "groups"], "WRITE": []}},
        },
        "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{database}"},
        "CANAILLE_OIDC": {
            "ACTIVE_JWKS": signing_keys,
            "REQUIRE_NONCE": False,  # oauthenticator sends none
            "TRUSTED_DOMAINS": [urlsplit(seed.client.uri).hostname],  # no consent page between us and us
            "USERINFO_MAPPING": {"PREFERRED_USERNAME": "{{ user.user_name }}"},
        },
    }


def records(seed: Seed) -> Json:
    """The users, groups and client as canaille's `restore` takes them."""
    groups: dict[str, list[str]] = {}
    for user in seed.users:
        for group in user.groups:
            groups.setdefault(group, []).append(_key("user", user.username))
    return {
        "user": [_user_record(user) for user in seed.users],
        "group": [
            {"id": _key("group", group), "display_name": group, "members": members}
            for group, members in groups.items()
        ],
        "client": [
            {
                "id": _key("client", seed.client.id),
                "client_id": seed.client.id,
                "client_secret": seed.client.secret,
                "client_name": seed.name,
                "client_uri": seed.client.uri,
                "redirect_uris": list(seed.client.redirect_uris),
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "scope": ["openid", "profile", "email", "groups"],
                "token_endpoint_auth_method": "client_secret_basic",
                # Elliptic signatures are never twice the same. Canaille's access tokens hold no random part, so with
                # RSA a person who signs in twice within one second would get one token twice, and an error page.
                "id_token_signed_response_alg": "ES256",
            }
        ],
    }


def _user_record(user: User) -> Json:
    given, _, family = user.name.rpartition(" ")
    return {
        "id": _key("user", user.username),
        "user_name": user.username,
        "given_name": given or family,
        "family_name": family,
        "formatted_name": user.name,
        "emails": [user.email],
        "password": user.password,
    }


def _key(kind: str, name: str) -> str:
    # The sign-in cookie holds the key, so it has to be the same after a restart.
    return f"{kind}-{name}"


def _user(username: str, entry: object) -> User:
    where = f"users.{username}"
    fields = _mapping(entry, where, {"name", "email", "password"}, optional=frozenset({"groups"}))
    email = _text(fields, "email", where)
    if "@" not in email:
        raise SeedError(f"{where}.email must be an e-mail address, and {email!r} is none.")
    return User(
        username=username,
        name=_text(fields, "name", where),
        email=email,
        password=_text(fields, "password", where),
        groups=_texts(fields, "groups", where) if fields.get("groups") else (),
    )


def _check_public_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
        raise SeedError(
            f"publicUrl must look like https://name or http://name:port, without a path, and not {url!r}."
        )


def _mapping(value: object, where: str, keys: set[str], optional: frozenset[str] = frozenset()) -> Json:
    if not isinstance(value, dict):
        raise SeedError(f"{where} must be a map.")
    if missing := sorted(keys - value.keys()):
        raise SeedError(f"{where} lacks {missing[0]}.")
    if unknown := sorted(value.keys() - keys - optional):
        raise SeedError(
            f"{where} has the unknown key {unknown[0]}; known are {', '.join(sorted(keys | optional))}."
        )
    return value


def _text(mapping: Json, key: str, where: str) -> str:
    value = mapping[key]
    if not isinstance(value, str) or not value.strip():
        raise SeedError(f"{where}: {key} must be a text that is not empty.")
    return value


def _texts(mapping: Json, key: str, where: str) -> tuple[str, ...]:
    value = mapping[key]
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise SeedError(f"{where}: {key} must be a list of texts.")
    return tuple(value)
