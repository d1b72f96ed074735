"""The warehouse behind the gateway: calls are passed on as they came, with the caller's own token, and answers as they flow."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from carrel_warehouse.gateway.errors import unavailable

_PER_CONNECTION = ("Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Expect")
_PATIENCE = 60.0  # seconds until an answer begins: BigQuery plans a query, or takes one, within a few
_SILENT = "it has not answered for {:g} s"
_DOWN = "The gateway of Carrel can't reach the warehouse at {}: {}. Try again in a minute; if it lasts, tell your administrator."


class Witness(Protocol):
    """Sees an answer's bytes on their way."""

    def see(self, chunk: bytes) -> None:
        """The next bytes."""


class Upstream:
    """The warehouse at one address."""

    def __init__(self, session: aiohttp.ClientSession, address: str, patience: float = _PATIENCE) -> None:
        self._session = session
        self._address = address
        self._patience = patience

    @staticmethod
    def session() -> aiohttp.ClientSession:
        """Connections for an `Upstream`: as many as there are calls, and bytes untouched. Queries may run for hours."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        return aiohttp.ClientSession(
            timeout=timeout, connector=aiohttp.TCPConnector(limit=0), auto_decompress=False
        )

    async def stream(self, request: web.Request, witness: Witness | None = None) -> web.StreamResponse:
        """Pass a request on and its answer back, both as they flow, however long that takes."""
        return await self._stream(
            request, request.content if request.can_read_body else None, witness, patience=None
        )

    async def send(
        self, request: web.Request, body: bytes, witness: Witness | None = None, holds_back: float = 0.0
    ) -> web.StreamResponse:
        """Pass a request on with another body, and its answer back as it flows.

        The warehouse may hold its answer back for so many seconds, because the caller would wait as long.
        """
        return await self._stream(request, body, witness, patience=self._patience + holds_back)

    async def ask(
        self, request: web.Request, method: str, path: str, body: bytes | None = None
    ) -> web.Response:
        """Ask something else for the same caller, and take the whole answer in."""
        timeout = aiohttp.ClientTimeout(total=self._patience, sock_connect=5)
        headers = {
            "Authorization": request.headers.get("Authorization", ""),
            "Content-Type": "application/json",
        }
        for name in ("X-Goog-User-Project", "User-Agent"):
            if name in request.headers:
                headers[name] = request.headers[name]
        headers["Accept-Encoding"] = "identity"
        data = None if body is None else io.BytesIO(body)
        url = URL(self._address + path, encoded=True)
        try:
            async with self._session.request(
                method, url, headers=headers, data=data, timeout=timeout
            ) as answer:
                return web.Response(
                    status=answer.status, headers=_back(answer.headers), body=await answer.read()
                )
        except aiohttp.ClientError as problem:
            return self._down(str(problem) or type(problem).__name__)
        except TimeoutError:
            return self._down(_SILENT.format(self._patience))

    async def _stream(
        self, request: web.Request, data: object, witness: Witness | None, patience: float | None
    ) -> web.StreamResponse:
        response = None
        try:
            async with self._sent(request, data, patience, plain=witness is not None) as answer:
                response = web.StreamResponse(status=answer.status, headers=self._headers(request, answer))
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    if witness is not None and answer.status < 300:
                        witness.see(chunk)
                    await response.write(chunk)
                await response.write_eof()
                return response
        except aiohttp.ClientError as problem:
            if response is not None:
                raise  # half an answer is on its way: only a broken connection says so
            return self._down(str(problem) or type(problem).__name__)
        except TimeoutError:
            return self._down(_SILENT.format(patience))

    @asynccontextmanager
    async def _sent(
        self, request: web.Request, data: object, patience: float | None, *, plain: bool
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = CIMultiDict(request.headers)
        for name in (*_PER_CONNECTION, "Host"):
            headers.popall(name, None)
        if plain:
            headers["Accept-Encoding"] = "identity"
        # aiohttp has unpacked a compressed body already.
        if headers.popall("Content-Encoding", None) or isinstance(data, bytes):
            headers.popall("Content-Length", None)
        if isinstance(data, bytes):
            data = io.BytesIO(data)  # what is large is then sent in pieces
        url = URL(self._address + request.raw_path, encoded=True)
        async with asyncio.timeout(patience) as limit:
            async with self._session.request(
                request.method, url, headers=headers, data=data, allow_redirects=False
            ) as answer:
                limit.reschedule(None)
                yield answer

    def _headers(self, request: web.Request, answer: aiohttp.ClientResponse) -> CIMultiDict[str]:
        kept = _back(answer.headers)
        # Where an upload goes on is an address of the warehouse's own, and must not lead around the gateway.
        if kept.get("Location", "").startswith(self._address):
            kept["Location"] = f"http://{request.host}{kept['Location'].removeprefix(self._address)}"
        return kept

    def _down(self, why: str) -> web.Response:
        return unavailable(_DOWN.format(self._address, why))


def _back(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    kept = CIMultiDict(headers)
    for name in (*_PER_CONNECTION, "Content-Length", "Date", "Server"):
        kept.popall(name, None)
    return kept
