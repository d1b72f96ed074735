"""The way to the warehouse: who may use a dataset, read and written under its version.

BigQuery's REST API, signed in to as the pod by google-auth. That library and its requests weigh 14 MB and take a second
to import, so they are imported, in a thread, when the first project has a dataset.
"""

import asyncio
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from carrel_operator.api import Body

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

_GOOGLE = "https://bigquery.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/bigquery"
_SECONDS = 10.0  # for an answer, and for signing in before it
_PAUSE = 5.0  # after no answer: whoever else waits to ask need not find out for themselves
_VERSION = "3"  # of the access list: entries with conditions are whole, and can be sent back


class WarehouseError(Exception):
    """The warehouse did not do what was asked; the text is why, in its own words."""


class UnreachableError(WarehouseError):
    """It could not be reached, was too busy or failed."""


class SignInError(WarehouseError):
    """It does not know the operator."""


class ForbiddenError(WarehouseError):
    """The operator may not."""


class MissingError(WarehouseError):
    """There is no such dataset."""


class ChangedError(WarehouseError):
    """The dataset is not any more what was read."""


class RefusedError(WarehouseError):
    """What was asked can't be done."""


_ERRORS: dict[int, type[WarehouseError]] = {
    400: RefusedError,
    401: SignInError,
    403: ForbiddenError,
    404: MissingError,
    409: ChangedError,
    412: ChangedError,
}
_BUSY = frozenset({"rateLimitExceeded", "quotaExceeded", "backendError"})  # said with 403 too


@dataclass(frozen=True, slots=True)
class AccessList:
    """Who may use a dataset, as it was when the dataset had this version."""

    entries: tuple[Body, ...]
    etag: str


class Warehouse:
    """BigQuery, or what stands in for it at BIGQUERY_EMULATOR_HOST."""

    def __init__(self, address: str, credentials: "Credentials | None" = None, pause: float = _PAUSE) -> None:
        self.address = address
        self._credentials = credentials
        self._pause = pause
        self._silent_until = 0.0
        self._signing_in = asyncio.Lock()

    @classmethod
    def from_environment(cls) -> Self:
        """As google-auth and BigQuery's own clients find it; nothing is read and nobody asked before it is needed."""
        return cls(os.environ.get("BIGQUERY_EMULATOR_HOST", _GOOGLE).rstrip("/"))

    async def read(self, dataset: str) -> AccessList:
        """The access list of project.dataset.

        Raises:
            WarehouseError: it could not be read.
        """
        body = await self._send("GET", dataset)
        return AccessList(tuple(body.get("access", ())), str(body.get("etag", "")))

    async def write(self, dataset: str, entries: Sequence[Body], etag: str) -> None:
        """Replace the access list, if the dataset still has that version.

        Raises:
            ChangedError: it has another one; read again.
            WarehouseError: it could not be written.
        """
        await self._send("PATCH", dataset, {"access": list(entries)}, {"If-Match": etag} if etag else {})

    async def _send(
        self, method: str, dataset: str, body: Body | None = None, headers: Mapping[str, str] | None = None
    ) -> Body:
        if time.monotonic() < self._silent_until:
            raise UnreachableError("no answer")
        async with self._signing_in:
            if self._credentials is None:
                self._credentials = await asyncio.to_thread(_sign_in)
        project, _, name = dataset.rpartition(".")
        url = f"{self.address}/bigquery/v2/projects/{project}/datasets/{name}"
        try:
            return await asyncio.to_thread(_ask, self._credentials, method, url, body, headers)
        except UnreachableError:
            self._silent_until = time.monotonic() + self._pause
            raise


def _sign_in() -> "Credentials":
    import google.auth  # noqa: PLC0415 - only who grants datasets pays for it
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
    except GoogleAuthError as error:
        raise SignInError(_first_line(error)) from error
    return credentials


def _ask(
    credentials: "Credentials", method: str, url: str, body: Body | None, headers: Mapping[str, str] | None
) -> Body:
    from google.auth import exceptions  # noqa: PLC0415 - only who grants datasets pays for it
    from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415
    from requests import RequestException  # noqa: PLC0415

    try:
        with AuthorizedSession(credentials, refresh_timeout=_SECONDS) as session:  # type: ignore[no-untyped-call]
            response = session.request(  # type: ignore[no-untyped-call]
                method,
                url,
                params={"accessPolicyVersion": _VERSION},
                json=body,
                headers=dict(headers or {}),
                timeout=_SECONDS,
                max_allowed_time=2 * _SECONDS,
            )
    except (exceptions.TransportError, RequestException) as error:
        raise UnreachableError("no answer") from error  # what they say is another text each time
    except exceptions.GoogleAuthError as error:
        raise SignInError(_first_line(error)) from error
    return _answer(response.status_code, response.content)


def _answer(code: int, content: bytes) -> Body:
    try:
        found: Any = json.loads(content)
    except ValueError:
        found = {}
    answer: Body = found if isinstance(found, dict) else {}
    if code < 300:
        return answer
    error = answer.get("error")
    error = error if isinstance(error, dict) else {}
    reasons = {str(each.get("reason", "")) for each in error.get("errors", ()) if isinstance(each, dict)}
    kind = UnreachableError if reasons & _BUSY else _ERRORS.get(code, UnreachableError)
    said = "" if kind is UnreachableError else error.get("message")
    raise kind(str(said or f"HTTP {code}"))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:500]
