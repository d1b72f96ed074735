"""Every call but the exchange and the health checks must say whose it is."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from carrel_warehouse.stand_in.errors import unauthenticated
from carrel_warehouse.stand_in.tokens import AccessTokens

EMAIL: web.RequestKey[str] = web.RequestKey("email", str)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def signed_in(access_tokens: AccessTokens, *, open_paths: frozenset[str]) -> Middleware:
    """Middleware that puts the person's address into `request[EMAIL]`, or answers 401."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in open_paths:
            return await handler(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return unauthenticated(missing=True)
        email = access_tokens.email(token.strip())
        if email is None:
            return unauthenticated(missing=False)
        request[EMAIL] = email
        return await handler(request)

    return middleware
