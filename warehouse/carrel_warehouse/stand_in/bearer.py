"""Every call but the exchange and the health checks must say whose it is."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from carrel_warehouse.stand_in.errors import unauthenticated
from carrel_warehouse.stand_in.people import Caller
from carrel_warehouse.stand_in.tokens import AccessTokens

CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def signed_in(access_tokens: AccessTokens, *, open_paths: frozenset[str]) -> Middleware:
    """Middleware that puts who calls into `request[CALLER]`, or answers 401."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in open_paths:
            return await handler(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return unauthenticated(missing=True)
        caller = access_tokens.caller(token.strip())
        if caller is None:
            return unauthenticated(missing=False)
        request[CALLER] = caller
        return await handler(request)

    return middleware
