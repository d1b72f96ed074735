"""The moment at which a server begins to listen, found by trying often: a refused connection costs 0.1 ms."""

import asyncio
import socket
from urllib.parse import urlsplit

_STEP = 0.02
# The rules that lead to a new Service may be a moment behind the address; a try that got lost must not wait
# for TCP's own second.
_LOST = 0.2


async def until_open(url: str) -> None:
    """Return when a TCP connection to the URL's host and port succeeds; tries for ever."""
    parts = urlsplit(url)
    family = socket.AF_INET6 if ":" in (parts.hostname or "") else socket.AF_INET
    while True:
        if await _is_open(family, parts.hostname or "", parts.port or 80):
            return
        await asyncio.sleep(_STEP)


async def _is_open(family: socket.AddressFamily, host: str, port: int) -> bool:
    """One try; a bare socket, because a stream's set-up would cost more than the try."""
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(0)  # never wait here: the loop does
        try:
            async with asyncio.timeout(_LOST):
                await asyncio.get_running_loop().sock_connect(connection, (host, port))
        except OSError:  # TimeoutError is one
            return False
        return True
