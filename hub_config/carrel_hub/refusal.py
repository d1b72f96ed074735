"""An expected refusal: JupyterHub shows its sentence, and logs it without a stack trace."""

import logging

from jupyterhub.spawner import SpawnException
from tornado import web

from carrel_operator.cluster_errors import ClusterError


class StartRefused(SpawnException):  # type: ignore[misc]
    """The server does not start, for a reason that a person can understand and act on."""

    def __init__(self, message: str, *, reason: str, status_code: int = 400) -> None:
        super().__init__(message, reason=reason, status_code=status_code)
        self.jupyterhub_message = message  # what the pages show instead of the exception's own text


def refusal(status: int, sentence: str) -> web.HTTPError:
    """A refusal of the API whose sentence is shown as it is."""
    error = web.HTTPError(status, "%s", sentence)
    error.jupyterhub_message = sentence  # type: ignore[attr-defined]
    return error


def unavailable(error: ClusterError) -> web.HTTPError:
    """That the cluster did not do what was asked of it."""
    return refusal(503, f"The cluster does not answer; try again in a minute. ({error})")


class WithoutTraces(logging.Filter):
    """Takes the stack trace off what is logged about an expected refusal.

    JupyterHub's own form handler logs every exception with one.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through."""
        if record.exc_info and isinstance(record.exc_info[1], SpawnException):
            record.msg, record.args = f"{record.getMessage()}: {record.exc_info[1]}", ()
            record.exc_info = None
        return True
