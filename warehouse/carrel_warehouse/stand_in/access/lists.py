"""What the emulator knows of datasets: which there are, what is in them, and their access lists, which it only keeps."""

from typing import Any
from urllib.parse import quote

import aiohttp

from carrel_warehouse.stand_in.access.roles import Entry
from carrel_warehouse.stand_in.upstream import signature

_HEADERS = {"Authorization": signature("carrel@carrel.invalid")}
Json = dict[str, Any]


class UnansweredError(Exception):
    """The emulator gave no answer, so nobody can say who may do what."""


class Lists:
    """Asks the emulator at one address; whatever is no answer is an UnansweredError."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self._projects = f"{address}/bigquery/v2/projects"

    async def projects(self) -> list[str]:
        """The projects there are."""
        found = await self._call("GET", self._projects)
        return [each["id"] for each in found.get("projects", ())]

    async def datasets(self, project: str) -> list[str]:
        """The datasets of a project, none if there is no such project."""
        found = await self._call("GET", f"{self._project(project)}/datasets?all=true")
        return [each["datasetReference"]["datasetId"] for each in found.get("datasets", ())]

    async def tables(self, project: str, dataset: str) -> list[str]:
        """The tables and views of a dataset."""
        found = await self._call("GET", f"{self._dataset(project, dataset)}/tables")
        return [each["tableReference"]["tableId"] for each in found.get("tables", ())]

    async def access(self, project: str, dataset: str) -> list[Entry]:
        """A dataset's access list, empty if there is no such dataset."""
        return list((await self._call("GET", self._dataset(project, dataset))).get("access", ()))

    async def change(self, project: str, dataset: str, entries: list[Entry]) -> None:
        """Write a dataset's access list."""
        await self._call("PATCH", self._dataset(project, dataset), {"access": entries})

    async def job(self, project: str, job: str) -> Json:
        """A job, empty if there is none."""
        return await self._call("GET", f"{self._project(project)}/jobs/{quote(job, safe='')}")

    async def jobs(self, project: str) -> list[Json]:
        """Every job of a project, the newest first."""
        address, token = f"{self._project(project)}/jobs?projection=full&maxResults=1000", ""
        jobs: list[Json] = []
        while True:
            found = await self._call(
                "GET", f"{address}&pageToken={quote(token, safe='')}" if token else address
            )
            jobs += found.get("jobs", ())
            token = str(found.get("nextPageToken") or "")
            if not token:
                return jobs

    def _project(self, project: str) -> str:
        return f"{self._projects}/{quote(project, safe='')}"

    def _dataset(self, project: str, dataset: str) -> str:
        return f"{self._project(project)}/datasets/{quote(dataset, safe='')}"

    async def _call(self, method: str, url: str, body: Json | None = None) -> Json:
        try:
            async with self._session.request(method, url, json=body, headers=_HEADERS) as answer:
                if answer.status in {400, 404}:  # a name that nothing can have, or that nothing has
                    return {}
                answer.raise_for_status()
                document: Json = await answer.json()
                return document
        except aiohttp.ClientError as error:
            raise UnansweredError(str(error)) from error
