"""One request and what came of it: an answer, or the kind of silence. The only module here that uses the network."""

import json
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

SECONDS = 2.5
_MOST_BYTES = 2**20


class Kind(StrEnum):
    """Why there was no answer."""

    NO_NAME = "no name"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said; ``body`` is empty when it was no JSON object."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    date: datetime | None = None  # the service's clock
    text: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """What a service did not say."""

    kind: Kind
    host: str
    port: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One request; with a body or a form it is a POST."""

    url: str
    bearer: str = ""
    form: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def ask(call: Call) -> Answer | Silence:
    """Make the request; never raises."""
    headers = {"Accept": "application/json", **call.headers}
    data = None
    if call.form is not None:
        data = urllib.parse.urlencode(call.form).encode()
    elif call.body is not None:
        data, headers["Content-Type"] = json.dumps(call.body).encode(), "application/json"
    if call.bearer:
        headers["Authorization"] = f"Bearer {call.bearer}"
    try:
        request = urllib.request.Request(call.url, data, headers)  # noqa: S310 - what the operator configured
        with urllib.request.urlopen(request, timeout=SECONDS) as found:  # noqa: S310
            return _answer(found.status, found.headers, found.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        return _answer(error.code, error.headers, _rest(error))
    except (OSError, ValueError, urllib.error.URLError) as error:
        return _silence(call.url, error)


def _rest(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read(_MOST_BYTES)
    except OSError:
        return b""


def _answer(status: int, headers: Any, content: bytes) -> Answer:  # noqa: ANN401 - an HTTPMessage
    text = content.decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except ValueError:
        document = {}
    try:
        date = parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        date = None
    return Answer(status, document if isinstance(document, dict) else {}, date, text.strip())


def _silence(url: str, error: Exception) -> Silence:
    reason = getattr(error, "reason", error)
    parts = urlsplit(url)
    default = 443 if parts.scheme == "https" else 80
    try:
        port = parts.port or default
    except ValueError:
        port = default
    return Silence(_kind(reason), parts.hostname or url, port, str(reason))


def _kind(reason: object) -> Kind:
    if isinstance(reason, socket.gaierror):
        return Kind.NO_NAME
    if isinstance(reason, ConnectionRefusedError):
        return Kind.REFUSED
    return Kind.TIMEOUT if isinstance(reason, TimeoutError) else Kind.BROKEN
