"""How a cell with a query ends badly: in one sentence each, without the inside of BigQuery's client."""


class _Sentence:
    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class QueryFailedError(_Sentence, Exception):
    """What BigQuery said."""


class GatewayAwayError(_Sentence, ConnectionError):
    """Nobody answers where queries go."""


class ResultTooLargeError(_Sentence, MemoryError):
    """The result would not fit into the notebook's memory."""


class QueryCancelled(_Sentence, KeyboardInterrupt):
    """The person pressed Stop; no ``Exception``, so that nothing between here and the cell swallows it."""


def said(error: BaseException) -> str:
    """The sentence of one of Google's errors, without the address that was asked."""
    if isinstance(cause := getattr(error, "cause", None), Exception):  # a RetryError says little else
        return said(cause)
    known = getattr(error, "errors", None) or [{}]
    first = known[0].get("message") if isinstance(known[0], dict) else None
    return str(first or getattr(error, "message", None) or error)
