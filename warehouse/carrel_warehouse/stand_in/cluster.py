"""What the stand-in asks the Kubernetes API server: who signs tokens, with which keys, and whose a ServiceAccount is."""

import asyncio
import ssl
import time
from typing import Any

import aiohttp
import jwt

from carrel_warehouse.stand_in.people import ServiceAccount
from carrel_warehouse.stand_in.settings import Settings
from carrel_warehouse.stand_in.tokens import RefusedError

OWNER = "carrel.dev/owner"
REFETCH_SECONDS = 10.0


class UnreachableError(Exception):
    """The API server gave no answer that could be used."""


class Cluster:
    """The API server, asked with the pod's own ServiceAccount; all answers come fresh but the keys and the issuer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._issuer = settings.issuer
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = -REFETCH_SECONDS
        self._fetching = asyncio.Lock()

    async def issuer(self) -> str:
        """The issuer of this cluster's tokens."""
        if self._issuer is None:
            self._issuer = str((await self._get("/.well-known/openid-configuration"))["issuer"])
        return self._issuer

    async def key(self, key_id: str) -> jwt.PyJWK:
        """The cluster's public key of that id.

        An unknown id makes us ask again, since clusters rotate keys; but not more often than every ten seconds, or
        made-up ids would load the API server.

        Raises:
            RefusedError: the cluster has no such key.
        """
        async with self._fetching:
            if key_id not in self._keys and time.monotonic() - self._fetched >= REFETCH_SECONDS:
                document = await self._get("/openid/v1/jwks")
                self._keys = {str(key["kid"]): jwt.PyJWK(key) for key in document["keys"]}
                self._fetched = time.monotonic()
        try:
            return self._keys[key_id]
        except KeyError:
            raise RefusedError("The ID Token is signed with a key that its issuer does not have.") from None

    async def owner(self, account: ServiceAccount) -> str:
        """The name of the person whose servers run as that ServiceAccount.

        Raises:
            RefusedError: it belongs to nobody.
        """
        nobody = RefusedError(
            f"The ServiceAccount {account.name} in {account.namespace} belongs to no person."
        )
        if account.namespace != self._settings.namespace:
            raise nobody
        path = f"/api/v1/namespaces/{account.namespace}/serviceaccounts/{account.name}"
        found = await self._get(path, missing={})
        owner = found.get("metadata", {}).get("annotations", {}).get(OWNER)
        if not owner:
            raise nobody
        return str(owner)

    async def _get(self, path: str, missing: dict[str, Any] | None = None) -> dict[str, Any]:
        folder = self._settings.service_account
        try:
            # Both files are replaced while we run: the token every hour, the CA when it is rotated.
            token = (folder / "token").read_text().strip()
            context = (
                ssl.create_default_context(cafile=folder / "ca.crt") if (folder / "ca.crt").exists() else None
            )
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
                session.get(
                    self._settings.api_server + path,
                    headers={"Authorization": f"Bearer {token}"},
                    ssl=context or True,
                ) as response,
            ):
                if response.status == 404 and missing is not None:
                    return missing
                response.raise_for_status()
                answer: dict[str, Any] = await response.json(content_type=None)
                return answer
        except (OSError, aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UnreachableError(f"The API server did not answer {path}: {error}") from error
