"""POST /v1/projects/-/serviceAccounts/ADDRESS:generateAccessToken: a token of a Google service account's, for whoever may act as it.

https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
"""

from datetime import UTC, datetime, timedelta

from aiohttp import web

from carrel_warehouse.stand_in import tokens
from carrel_warehouse.stand_in.bearer import CALLER
from carrel_warehouse.stand_in.clock import Clock
from carrel_warehouse.stand_in.errors import api_error
from carrel_warehouse.stand_in.people import Caller
from carrel_warehouse.stand_in.settings import Settings

_REFUSAL = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."


class Impersonation:
    """The endpoint that lends service accounts."""

    def __init__(self, settings: Settings, access_tokens: tokens.AccessTokens, clock: Clock) -> None:
        self._users = settings.service_accounts
        self._access_tokens = access_tokens
        self._clock = clock

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request; that an account is not there is said in the same words as that it may not be used."""
        account = request.match_info["account"]
        if request[CALLER].principal not in self._users.get(account, ()):
            return api_error(403, _REFUSAL, "forbidden", "PERMISSION_DENIED")
        token = self._access_tokens.issue(Caller(account, f"serviceAccount:{account}"))
        end = datetime.fromtimestamp(self._clock.now(), UTC) + timedelta(seconds=tokens.LIFETIME_SECONDS)
        return web.json_response({"accessToken": token, "expireTime": end.strftime("%Y-%m-%dT%H:%M:%SZ")})
