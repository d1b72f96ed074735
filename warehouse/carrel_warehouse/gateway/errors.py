"""What the gateway says itself, in the shapes that BigQuery's clients read."""

from aiohttp import web


def error(status: int, message: str, reason: str, name: str) -> web.Response:
    """An error of the BigQuery API: HTTP status, sentence, reason, canonical status name."""
    each = {"message": message, "domain": "global", "reason": reason}
    body = {"code": status, "message": message, "errors": [each], "status": name}
    return web.json_response({"error": body}, status=status)


def over_budget(message: str) -> web.Response:
    """What BigQuery says of `maximumBytesBilled`, which clients don't try again."""
    return error(400, message, "bytesBilledLimitExceeded", "INVALID_ARGUMENT")


def forbidden(message: str) -> web.Response:
    """403: not this caller."""
    return error(403, message, "accessDenied", "PERMISSION_DENIED")


def unavailable(message: str) -> web.Response:
    """503, which Google's clients try again by themselves."""
    return error(503, message, "backendError", "UNAVAILABLE")
