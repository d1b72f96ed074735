"""Errors in the shapes that Google's services give them, because clients read those shapes."""

from aiohttp import web


def api_error(status: int, message: str, reason: str, name: str, **more: str) -> web.Response:
    """An error of the BigQuery API: HTTP status, sentence, reason, canonical status name."""
    return web.json_response(
        {
            "error": {
                "code": status,
                "message": message,
                "errors": [{"message": message, "domain": "global", "reason": reason, **more}],
                "status": name,
            }
        },
        status=status,
    )


def unauthenticated(*, missing: bool) -> web.Response:
    """401 for a request without an access token, or with one that isn't good any more.

    google-auth exchanges its token again when it sees 401.
    """
    what = (
        "is missing required authentication credential"
        if missing
        else "had invalid authentication credentials"
    )
    response = api_error(
        401,
        f"Request {what}. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
        "required" if missing else "authError",
        "UNAUTHENTICATED",
        location="Authorization",
        locationType="header",
    )
    challenge = "" if missing else ', error="invalid_token"'
    response.headers["WWW-Authenticate"] = f'Bearer realm="carrel"{challenge}'
    return response


def denied(message: str) -> web.Response:
    """403 for somebody who may not."""
    return api_error(403, message, "accessDenied", "PERMISSION_DENIED")


def unavailable(message: str) -> web.Response:
    """503, which Google's clients try again by themselves."""
    return api_error(503, message, "backendError", "UNAVAILABLE")


def exchange_error(status: int, error: str, description: str) -> web.Response:
    """An error of the token exchange (RFC 6749 section 5.2)."""
    return web.json_response({"error": error, "error_description": description}, status=status)
