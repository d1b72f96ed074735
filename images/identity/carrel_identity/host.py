"""Every request is taken as sent to the public address, by whatever name it came in.

Browsers call the provider http://localhost:8001, the hub calls the same process http://identity:8080. Canaille answers
only to its public name (a POST to another is refused with 400), and OpenID Connect wants one issuer for everybody.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class OnePublicHost:
    """WSGI middleware that puts the public scheme and host into each request."""

    def __init__(self, application: "WSGIApplication", public_url: str) -> None:
        parts = urlsplit(public_url)
        self._application = application
        self._environ: dict[str, Any] = {"HTTP_HOST": parts.netloc, "wsgi.url_scheme": parts.scheme}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        return self._application(environ | self._environ, start_response)
