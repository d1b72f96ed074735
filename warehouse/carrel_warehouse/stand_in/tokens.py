"""Which tokens are believed, and why not: pure checks, no network.

Two kinds pass here. A *subject token* is a Kubernetes ServiceAccount's, signed by the cluster. An *access token* is
ours: signed with a key that lives as long as the process, so a restart makes clients exchange again.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import jwt

from carrel_warehouse.stand_in.people import Caller, ServiceAccount

ASYMMETRIC = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
LIFETIME_SECONDS = 3600
CLOCK_SKEW_SECONDS = 5
SUBJECT_PREFIX = "system:serviceaccount:"
_TIMES = ("exp", "iat")
_CLAIMS = ("email", "principal", "administrator")


class RefusedError(Exception):
    """A subject token isn't believed; `str()` says why, in words like Google's."""


def key_id(token: str) -> str:
    """The id of the key that the token says it is signed with.

    Raises:
        RefusedError: it isn't a JWT, isn't signed, or is signed in a way that anybody could.
    """
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise RefusedError("Unable to parse the ID Token: it is not a signed JWT.") from error
    if header.get("alg") not in ASYMMETRIC:
        raise RefusedError(f"The ID Token is signed with {header.get('alg')}, which proves nothing.")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise RefusedError("The ID Token names no key (kid).")
    return kid


def service_account(token: str, key: jwt.PyJWK, issuer: str, audience: str, now: float) -> ServiceAccount:
    """The ServiceAccount of a subject token that is valid at that time, in seconds since 1970.

    Raises:
        RefusedError: wrong signature, issuer, audience or time, or not a ServiceAccount's token.
    """
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=ASYMMETRIC,
            issuer=issuer,
            audience=audience,
            options={
                "require": ["iss", "sub", "aud", *_TIMES],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidAudienceError as error:
        raise RefusedError(
            f"The audience in the ID Token does not match the expected audience {audience}."
        ) from error
    except jwt.InvalidIssuerError as error:
        raise RefusedError(
            f"The issuer in the ID Token does not match the expected one: {issuer}."
        ) from error
    except jwt.InvalidSignatureError as error:
        raise RefusedError("The ID Token's signature does not match its issuer's key.") from error
    except jwt.InvalidTokenError as error:
        raise RefusedError(f"The ID Token is not valid: {error}.") from error
    _check_times(claims, now)
    namespace, _, name = claims["sub"].removeprefix(SUBJECT_PREFIX).partition(":")
    if not claims["sub"].startswith(SUBJECT_PREFIX) or not namespace or not name:
        raise RefusedError(f"The subject {claims['sub']} is not a Kubernetes ServiceAccount.")
    return ServiceAccount(namespace, name)


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    """PyJWT would do it by the node's clock."""
    if not all(isinstance(claims.get(name, 0), int | float) for name in (*_TIMES, "nbf")):
        raise RefusedError("The ID Token is not valid: its times must be numbers.")
    if not claims["exp"] > now - CLOCK_SKEW_SECONDS:  # NaN is no later time
        raise RefusedError("The ID Token is expired.")
    if max(claims["iat"], claims.get("nbf", 0)) > now + CLOCK_SKEW_SECONDS:
        raise RefusedError("The ID Token is not valid yet: it was issued in the future.")


class AccessTokens:
    """Makes and reads our access tokens."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def issue(self, caller: Caller) -> str:
        """A token for one caller, good for an hour."""
        claims = asdict(caller) | {"exp": int(time.time()) + LIFETIME_SECONDS}
        return jwt.encode(claims, self._key, algorithm="HS256")

    def caller(self, token: str) -> Caller | None:
        """Whose token it is; None when it isn't ours or is over."""
        options: jwt.types.Options = {"require": ["exp", *_CLAIMS]}
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"], options=options)
        except jwt.InvalidTokenError:
            return None
        return Caller(**{name: claims[name] for name in _CLAIMS})
