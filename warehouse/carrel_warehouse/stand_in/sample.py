"""The flights of 2013, put into the warehouse once, through the emulator's own API."""

import asyncio
import io
import logging
import zipfile
from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp

from carrel_warehouse.stand_in.access.roles import EVERYBODY, Role
from carrel_warehouse.stand_in.settings import Settings
from carrel_warehouse.stand_in.upstream import signature

DATASET = "nycflights13"
LOADED = {
    "carrel": "loaded"
}  # a label on each table that is there in full; a load that was cut off leaves none
_FLIGHTS = "All flights from New York City in 2013."
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Table:
    """A CSV file of the package and the types of its columns, in order."""

    file: str
    types: str
    description: str


TABLES: Mapping[str, Table] = {
    "airlines": Table("airlines.csv", "carrier:STRING name:STRING", "Names of the carriers."),
    "airports": Table(
        "airports.csv",
        "faa:STRING name:STRING lat:FLOAT64 lon:FLOAT64 alt:INT64 tz:INT64 dst:STRING tzone:STRING",
        "Places of the airports; altitude in feet.",
    ),
    "planes": Table(
        "planes.csv",
        "tailnum:STRING year:INT64 type:STRING manufacturer:STRING model:STRING engines:INT64 seats:INT64 "
        "speed:INT64 engine:STRING",
        "Planes by tail number.",
    ),
    "weather": Table(
        "weather.csv",
        "origin:STRING year:INT64 month:INT64 day:INT64 hour:INT64 temp:FLOAT64 dewp:FLOAT64 humid:FLOAT64 "
        "wind_dir:INT64 wind_speed:FLOAT64 wind_gust:FLOAT64 precip:FLOAT64 pressure:FLOAT64 visib:FLOAT64 "
        "time_hour:TIMESTAMP",
        "Hourly weather at the three airports of New York City.",
    ),
    "flights": Table(
        "flights.csv.zip",
        "year:INT64 month:INT64 day:INT64 dep_time:INT64 sched_dep_time:INT64 dep_delay:INT64 arr_time:INT64 "
        "sched_arr_time:INT64 arr_delay:INT64 carrier:STRING flight:INT64 tailnum:STRING origin:STRING dest:STRING "
        "air_time:INT64 distance:INT64 hour:INT64 minute:INT64 time_hour:TIMESTAMP",
        "Every flight that left New York City in 2013; delays in minutes.",
    ),
}


class LoadError(Exception):
    """The emulator would not take a table; `str()` says what it said."""


class Loader:
    """Fills the data set, and leaves alone what it filled before."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._session = session
        self._project = f"{settings.emulator}/bigquery/v2/projects/{settings.project}"
        self._upload = f"{settings.emulator}/upload/bigquery/v2/projects/{settings.project}/jobs"
        self._reference = {"projectId": settings.project, "datasetId": DATASET}
        self._headers = {"Authorization": signature(f"carrel@{settings.email_domain}")}

    async def run(self) -> None:
        """Wait for the emulator, then load each table that isn't there in full.

        Raises:
            LoadError: the emulator refused a table.
        """
        await self._wait()
        await self._call(
            "POST", f"{self._project}/datasets", {"datasetReference": self._reference}, allowed={409}
        )
        await self._share()
        for name, table in TABLES.items():
            found = await self._call(
                "GET", f"{self._project}/datasets/{DATASET}/tables/{name}", allowed={404}
            )
            if found.get("labels") != LOADED:
                await self._load(name, table)

    async def _share(self) -> None:
        """Let everybody read; once, so that what an administrator changes stays changed."""
        address = f"{self._project}/datasets/{DATASET}"
        if (await self._call("GET", address)).get("labels") != LOADED:
            access = [
                {"role": Role.OWNER.name, "specialGroup": "projectOwners"},
                {"role": Role.READER.name, "specialGroup": EVERYBODY},
            ]
            await self._call("PATCH", address, {"access": access, "labels": LOADED, "description": _FLIGHTS})

    async def _wait(self) -> None:
        while True:
            try:
                await self._call("GET", f"{self._project}/datasets")
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.2)
            else:
                return

    async def _load(self, name: str, table: Table) -> None:
        fields = [
            dict(zip(("name", "type"), column.split(":"), strict=True)) for column in table.types.split()
        ]
        load = {
            "destinationTable": self._reference | {"tableId": name},
            "sourceFormat": "CSV",
            "skipLeadingRows": 1,
            "nullMarker": "NA",
            "writeDisposition": "WRITE_TRUNCATE",
            "schema": {"fields": fields},
        }
        job = await self._uploaded({"configuration": {"load": load}}, _csv(table.file))
        while job["status"]["state"] != "DONE":
            await asyncio.sleep(0.2)
            job = await self._call("GET", f"{self._project}/jobs/{job['jobReference']['jobId']}")
        if error := job["status"].get("errorResult"):
            raise LoadError(f"The table {name} could not be loaded: {error['message']}")
        mark = {"labels": LOADED, "description": table.description}
        await self._call("PATCH", f"{self._project}/datasets/{DATASET}/tables/{name}", mark)
        log.info("Loaded %s: %s rows", name, job["statistics"]["load"]["outputRows"])

    async def _uploaded(self, job: dict[str, Any], content: bytes) -> dict[str, Any]:
        begin = self._session.post(
            self._upload, params={"uploadType": "resumable"}, json=job, headers=self._headers
        )
        async with begin as answer:
            answer.raise_for_status()
            address = answer.headers["Location"]
        return await self._answer(self._session.put(address, data=io.BytesIO(content), headers=self._headers))

    async def _call(
        self,
        method: str,
        url: str,
        body: dict[str, Any] | None = None,
        allowed: Collection[int] = (),
    ) -> dict[str, Any]:
        return await self._answer(
            self._session.request(method, url, json=body, headers=self._headers), allowed
        )

    async def _answer(
        self,
        call: AbstractAsyncContextManager[aiohttp.ClientResponse],
        allowed: Collection[int] = (),
    ) -> dict[str, Any]:
        async with call as answer:
            if answer.status in allowed:
                return {}
            if answer.status != 200:
                raise LoadError(f"The emulator answered {answer.status}: {await answer.text()}")
            document: dict[str, Any] = await answer.json()
            return document


def _csv(file: str) -> bytes:
    # The package is found, not imported: importing it reads everything with pandas.
    spec = find_spec(DATASET)
    if spec is None or not spec.submodule_search_locations:
        raise LoadError(f"The package {DATASET} is not installed.")
    path = Path(spec.submodule_search_locations[0]) / "data" / file
    if path.suffix != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(archive.namelist()[0])
