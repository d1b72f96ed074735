"""Whether the pod's own token and the file that says where to trade it fit together: verdicts without I/O."""

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from carrel_lab.doctor.findings import Finding, failed, ok
from carrel_lab.doctor.place import Place
from carrel_lab.doctor.way import upgrade

TOKEN, AUDIENCE, EXPIRY, CLOCK, CREDENTIALS = "token", "audience", "expiry", "clock", "credentials file"
RESTART = "carrel restart"
_SUBJECT = "system:serviceaccount:"
_SKEW = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an ``external_account`` file says."""

    audience: str
    token_file: str
    token_url: str
    token_type: str = ""
    impersonation_url: str = ""

    @property
    def at_google(self) -> bool:
        """Whether the audience is a provider of a workload identity pool."""
        return self.audience.startswith("//iam.googleapis.com/")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says of itself, unverified."""

    issuer: str = ""
    subject: str = ""
    audiences: tuple[str, ...] = ()
    issued: datetime | None = None
    expires: datetime | None = None
    text: str = field(default="", repr=False)

    @property
    def account(self) -> tuple[str, str]:
        """Namespace and ServiceAccount; empty for another kind of token."""
        namespace, _, name = self.subject.removeprefix(_SUBJECT).partition(":")
        return (namespace, name) if self.subject.startswith(_SUBJECT) else ("", "")

    def principal(self, credentials: Credentials) -> str:
        """As Google's grants name whoever holds this token."""
        pool = credentials.audience.partition("/providers/")[0]
        return f"principal:{pool}/subject/{self.subject}"


def read_credentials(content: str | OSError, place: Place) -> tuple[Credentials | None, Finding]:
    """Read the file."""
    path = place.credentials
    mend = upgrade(place)
    if isinstance(content, OSError):
        message = f"The file {path} can't be read ({content.strerror})."
        return None, failed(CREDENTIALS, message, RESTART)
    try:
        found = json.loads(content)
        credentials = Credentials(
            audience=str(found["audience"]),
            token_file=str(found["credential_source"]["file"]),
            token_url=str(found["token_url"]),
            token_type=str(found.get("subject_token_type", "")),
            impersonation_url=str(found.get("service_account_impersonation_url") or ""),
        )
        kind = found.get("type")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"The file {path} does not say where to trade the token ({error!r})."
        return None, failed(CREDENTIALS, message, mend)
    if kind != "external_account":
        message = f"The file {path} is of type '{kind}', and keyless access needs 'external_account'."
        return None, failed(CREDENTIALS, message, mend)
    if not credentials.audience.startswith("//"):
        message = f"The audience in {path} is '{credentials.audience}', and must begin with //."
        return None, failed(CREDENTIALS, message, mend)
    return credentials, ok(CREDENTIALS, f"{path} says that tokens are traded at {credentials.token_url}.")


def read_token(path: str, content: str | OSError) -> tuple[Claims | None, Finding]:
    """Read the token file."""
    if isinstance(content, OSError):
        message = f"The token file {path} can't be read ({content.strerror}): the pod was made without it."
        return None, failed(TOKEN, message, RESTART)
    claims = _claims(content.strip())
    if claims is None:
        return None, failed(TOKEN, f"What is in {path} is not a token.", RESTART)
    return claims, ok(TOKEN, f"{path} is the token of {claims.subject}, issued by {claims.issuer}.")


def audience(claims: Claims, credentials: Credentials) -> Finding:
    """Whether the token is made for whom the file names; Google takes the name with ``https:`` in front."""
    wanted = {credentials.audience, f"https:{credentials.audience}"}
    if wanted & set(claims.audiences):
        return ok(AUDIENCE, f"The token is made for {credentials.audience}.")
    made = ", ".join(claims.audiences) or "nobody"
    message = (
        f"The token is made for {made} and the credentials file names {credentials.audience}: "
        "the server was started before that was changed."
    )
    return failed(AUDIENCE, message, RESTART)


def clock(theirs: datetime | None, now: datetime) -> Finding | None:
    """Whether this node's clock and the exchange's agree; None when the exchange told no time."""
    if theirs is None:
        return None
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    difference = now - theirs
    if abs(difference) <= _SKEW:
        return ok(CLOCK, "The node's clock agrees with that of the exchange.")
    minutes = max(1, round(abs(difference).total_seconds() / 60))
    way = "ahead of" if difference > timedelta() else "behind"
    message = f"The node's clock is {minutes} minutes {way} that of the exchange, so tokens seem too old or too new."
    return failed(CLOCK, message, "sudo chronyc makestep   # on the node")


def expiry(claims: Claims, now: datetime) -> Finding:
    """Whether the token holds now; the kubelet renews it after four fifths of its life."""
    if claims.expires is None:
        return failed(EXPIRY, "The token says no time at which it expires.", RESTART)
    if claims.expires <= now:
        message = f"The token expired at {_time(claims.expires)}, and the kubelet has not renewed it."
        return failed(EXPIRY, message, RESTART)
    if claims.issued and claims.issued > now + _SKEW:
        message = f"The token is valid from {_time(claims.issued)}, which is still to come: the node's clock is behind."
        return failed(EXPIRY, message, "sudo chronyc makestep   # on the node")
    return ok(EXPIRY, f"The token holds until {_time(claims.expires)}; the kubelet renews it before.")


def _claims(token: str) -> Claims | None:
    try:
        _, payload, _ = token.split(".")
        found: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        given = found.get("aud", ())
        return Claims(
            issuer=str(found.get("iss", "")),
            subject=str(found.get("sub", "")),
            audiences=tuple(map(str, [given] if isinstance(given, str) else given)),
            issued=_moment(found.get("iat")),
            expires=_moment(found.get("exp")),
            text=token,
        )
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error):
        return None


def _moment(seconds: object) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int | float) else None


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
