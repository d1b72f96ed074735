"""The refusals of the Kubernetes API in our own words."""

from dataclasses import dataclass

import httpx2

from carrel_operator.api import Body


@dataclass
class ClusterError(Exception):
    """Kubernetes did not do what was asked; ``message`` is its own sentence."""

    message: str
    retry_after: float | None = None

    def __str__(self) -> str:
        return self.message


class NotFoundError(ClusterError):
    """The object does not exist (any more)."""


class AlreadyExistsError(ClusterError):
    """An object of that name exists."""


class ConflictError(ClusterError):
    """The object is not the one that was meant, or changed meanwhile."""


class ForbiddenError(ClusterError):
    """A policy, a quota or a missing right forbids it."""


class InvalidError(ClusterError):
    """The object does not pass validation."""


class UnavailableError(ClusterError):
    """The API server can't be reached, is too busy or failed."""


class ExpiredError(ClusterError):
    """The version to watch from is too old; list again."""


_ERRORS: dict[int, type[ClusterError]] = {
    400: InvalidError,
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: ExpiredError,
    422: InvalidError,
}


def error_in(response: httpx2.Response) -> ClusterError:
    """The refusal that an answer is."""
    try:
        status = response.json()
    except ValueError:
        status = {}
    try:
        retry_after = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        retry_after = None
    return error_of(response.status_code, status, retry_after)


def error_of(code: int, status: Body, retry_after: float | None = None) -> ClusterError:
    """The refusal that a code and a Status of Kubernetes are."""
    kind = _ERRORS.get(code, UnavailableError)
    if kind is ConflictError and status.get("reason") == "AlreadyExists":
        kind = AlreadyExistsError
    return kind(str(status.get("message") or f"HTTP {code}"), retry_after)
