"""POST /sts/v1/token: a cluster's token in, a person's access token out (RFC 8693)."""

import logging

from aiohttp import web

from carrel_warehouse.stand_in import people, tokens
from carrel_warehouse.stand_in.clock import Clock
from carrel_warehouse.stand_in.cluster import Cluster, UnreachableError
from carrel_warehouse.stand_in.errors import exchange_error
from carrel_warehouse.stand_in.people import Caller, ServiceAccount
from carrel_warehouse.stand_in.settings import Settings

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 a name, not a token
SUBJECT_TYPES = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
log = logging.getLogger(__name__)


class Exchange:
    """The token endpoint."""

    def __init__(
        self, settings: Settings, cluster: Cluster, access_tokens: tokens.AccessTokens, clock: Clock
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._cluster = cluster
        self._access_tokens = access_tokens

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one exchange."""
        form = await _fields(request)
        if refusal := self._wrong_request(form):
            return refusal
        try:
            caller = await self._caller(await self._verified(form["subject_token"]))
        except tokens.RefusedError as refused:
            log.info("Refused an exchange: %s", refused)
            return exchange_error(400, "invalid_grant", str(refused))
        except UnreachableError as problem:
            log.warning("%s", problem)
            return exchange_error(
                503, "temporarily_unavailable", "The cluster could not be asked; try again."
            )
        return web.json_response(
            {
                "access_token": self._access_tokens.issue(caller),
                "issued_token_type": ACCESS_TOKEN,
                "token_type": "Bearer",
                "expires_in": tokens.LIFETIME_SECONDS,
            },
            headers={"Cache-Control": "no-store"},
        )

    async def _verified(self, token: str) -> ServiceAccount:
        key = await self._cluster.key(tokens.key_id(token))
        issuer = await self._cluster.issuer()
        audience = self._settings.token_audience
        return tokens.service_account(token, key, issuer, audience, self._clock.now())

    async def _caller(self, account: ServiceAccount) -> Caller:
        principal = people.principal(self._settings.audience, account)
        email = await self._address(account)
        known = {principal, email} & self._settings.administrators
        return Caller(email, principal, administrator=bool(known))

    async def _address(self, account: ServiceAccount) -> str:
        domain = self._settings.email_domain
        if account.namespace == self._settings.namespace and account.name in people.SYSTEM:
            return people.system_address(account.name, domain)
        owner = await self._cluster.owner(account)
        email = people.address(account, owner, domain)
        if email is None:
            raise tokens.RefusedError(f"The address {owner} is not a person's.")
        return email

    def _wrong_request(self, form: dict[str, str]) -> web.Response | None:
        if form.get("grant_type") != GRANT:
            return exchange_error(400, "unsupported_grant_type", f"The grant_type must be {GRANT}.")
        if not form.get("subject_token"):
            return exchange_error(400, "invalid_request", "The request has no subject_token.")
        if form.get("subject_token_type") not in SUBJECT_TYPES:
            return exchange_error(
                400, "invalid_request", f"The subject_token_type must be {SUBJECT_TYPES[0]}."
            )
        if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            return exchange_error(400, "invalid_request", f"The requested_token_type must be {ACCESS_TOKEN}.")
        if form.get("audience") != self._settings.audience:
            return exchange_error(
                400, "invalid_target", f"The audience must name this exchange: {self._settings.audience}."
            )
        return None


async def _fields(request: web.Request) -> dict[str, str]:
    """The request's parameters: a form by the RFC, or JSON with camelCase names as Google's own API takes too."""
    if request.content_type != "application/json":
        return {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    try:
        document = await request.json()
    except ValueError:
        return {}
    if not isinstance(document, dict):
        return {}
    return {_snake(key): value for key, value in document.items() if isinstance(value, str)}


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
