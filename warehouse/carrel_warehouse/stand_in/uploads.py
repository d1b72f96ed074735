"""The job in an upload, read before the rest, which may be large and flows on unread."""

import email
import email.policy
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

_LONGEST = 1024**2  # bytes before which a job's JSON must be over

Json = dict[str, Any]


class NoJobError(Exception):
    """An upload does not begin with a job; `str()` says so to a person."""


async def opened(request: web.Request) -> tuple[Json, AsyncIterator[bytes]]:
    """The job that an upload begins with, and all of its body.

    Raises:
        NoJobError: there is none.
    """
    head = b""
    if request.content_type.startswith("multipart/"):
        boundary = b"--" + request.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
        while head.count(boundary) < 2 and len(head) < _LONGEST and not request.content.at_eof():
            head += await request.content.readany()
        text = _first(request.headers["Content-Type"], boundary, head)
    else:
        head = text = await request.read()
    try:
        job = json.loads(text)
    except ValueError:
        job = None
    if not isinstance(job, dict):
        raise NoJobError("An upload must begin with the job's JSON.")
    return job, _all(head, request)


def _first(content_type: str, boundary: bytes, head: bytes) -> bytes:
    only = boundary.join(head.split(boundary)[:2]) + boundary + b"--\r\n"
    header = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.message_from_bytes(header + only, policy=email.policy.HTTP)
    parts = [part.get_payload(decode=True) for part in message.iter_parts()]
    return parts[0] if parts and isinstance(parts[0], bytes) else b""


async def _all(head: bytes, request: web.Request) -> AsyncIterator[bytes]:
    yield head
    async for chunk in request.content.iter_any():
        yield chunk
