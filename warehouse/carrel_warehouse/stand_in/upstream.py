"""The emulator behind the stand-in: calls are passed on as they came, but signed with the person's address.

local-bigquery takes the caller from an unsigned JWT, for SESSION_USER() and row policies. It listens on the pod's
loopback only, so nobody but the stand-in can speak for somebody.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import jwt
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from carrel_warehouse.stand_in.bearer import CALLER
from carrel_warehouse.stand_in.errors import unavailable

PER_CONNECTION = ("Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Expect")
_HEAD = 4096  # bytes at the beginning of an answer, in which it says all but its schema and rows
DOWN = "The warehouse is starting again; try again in a few seconds."


def signature(email: str) -> str:
    """The Authorization header that makes the emulator take `email` for the caller."""
    return f"Bearer {jwt.encode({'email': email}, '', algorithm='none')}"


class Emulator:
    """local-bigquery at one address."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self._address = address

    async def stream(
        self, request: web.Request, head: Callable[[bytes], bytes] | None = None
    ) -> web.StreamResponse:
        """Pass a request on and its answer back, both as they flow; `head` may change how the answer begins."""
        try:
            async with self._sent(request, request.content if request.can_read_body else None) as answer:
                response = web.StreamResponse(status=answer.status, headers=_back(answer.headers))
                await response.prepare(request)
                if head is not None:
                    await response.write(head(await _beginning(answer.content)))
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
                return response
        except aiohttp.ClientConnectorError:
            return unavailable(DOWN)

    async def ask(
        self, request: web.Request, body: bytes | AsyncIterator[bytes] | None = None
    ) -> web.Response:
        """Pass a request on, with `body` in place of its own if given, and take the whole answer in.

        What comes as chunks is as long as the request's own body.
        """
        data = body if body is not None else request.content if request.can_read_body else None
        try:
            async with self._sent(request, data, resized=isinstance(body, bytes)) as answer:
                return web.Response(
                    status=answer.status, headers=_back(answer.headers), body=await answer.read()
                )
        except aiohttp.ClientConnectionError:
            return unavailable(DOWN)

    @asynccontextmanager
    async def _sent(
        self, request: web.Request, data: object, *, resized: bool = False
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = CIMultiDict(
            request.headers
        )  # with Host: the emulator builds the address of an upload from it
        for name in (*PER_CONNECTION, "Accept-Encoding"):
            headers.popall(name, None)
        # aiohttp has unpacked a compressed body already.
        if headers.popall("Content-Encoding", None) or resized:
            headers.popall("Content-Length", None)
        headers["Authorization"] = signature(request[CALLER].email)
        if isinstance(data, bytes):
            data = io.BytesIO(data)  # what is large is then sent in pieces
        url = URL(self._address + request.raw_path, encoded=True)
        async with self._session.request(
            request.method, url, headers=headers, data=data, allow_redirects=False
        ) as answer:
            yield answer


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    try:
        return await content.readexactly(_HEAD)
    except asyncio.IncompleteReadError as short:
        return short.partial


def _back(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    kept = CIMultiDict(headers)
    for name in (*PER_CONNECTION, "Content-Length", "Date", "Server"):
        kept.popall(name, None)
    return kept
