"""The warehouse's list of jobs, asked without a key."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import aiohttp
import google.auth
import google.auth.credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request

Json = dict[str, Any]

_SCOPES = ("https://www.googleapis.com/auth/bigquery",)
_PAGE = 500


class AuditError(Exception):
    """A project's jobs can't be read; `str()` is a sentence."""


class Keyless:
    """The access token of the pod's own ServiceAccount."""

    def __init__(self) -> None:
        self._credentials: google.auth.credentials.Credentials | None = None

    async def token(self) -> str:
        """One that is good for some minutes.

        Raises:
            AuditError: the warehouse gives none.
        """
        try:
            return await asyncio.to_thread(self._token)
        except (GoogleAuthError, OSError) as problem:
            raise AuditError(f"The warehouse does not let the auditor in: {problem}") from problem

    def _token(self) -> str:
        if self._credentials is None:
            self._credentials, _ = google.auth.default(scopes=_SCOPES)
        if not self._credentials.valid:
            self._credentials.refresh(Request())  # type: ignore[no-untyped-call]
        return str(self._credentials.token)


class Warehouse:
    """BigQuery's REST API, as far as it lists jobs."""

    def __init__(self, session: aiohttp.ClientSession, address: str, keyless: Keyless) -> None:
        self._session, self._address, self._keyless = session, address, keyless

    async def pages(self, project: str, since: datetime) -> AsyncIterator[list[Json]]:
        """Everybody's jobs that one project pays, begun since then, some hundreds at a time.

        Raises:
            AuditError: the warehouse doesn't answer, or refuses.
        """
        query = {
            "allUsers": "true",
            "projection": "full",
            "maxResults": str(_PAGE),
            "minCreationTime": str(int(since.timestamp() * 1000)),
        }
        while True:
            page = await self._get(project, query)
            yield page.get("jobs", [])
            if not page.get("nextPageToken"):
                return
            query["pageToken"] = page["nextPageToken"]

    async def _get(self, project: str, query: dict[str, str]) -> Json:
        headers = {"Authorization": f"Bearer {await self._keyless.token()}"}
        url = f"{self._address}/bigquery/v2/projects/{project}/jobs"
        try:
            async with self._session.get(url, params=query, headers=headers) as answer:
                page: Json = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
            reason = str(problem) or type(problem).__name__
            raise AuditError(f"The jobs of {project} can't be read: {reason}") from problem
        if answer.status == 403:
            raise AuditError(
                f"The auditor may not list the jobs of {project}: "
                f"grant its principal roles/bigquery.resourceViewer there."
            )
        if answer.status != 200 or not isinstance(page, dict):
            raise AuditError(f"The jobs of {project} can't be read: the warehouse answers {answer.status}.")
        return page
