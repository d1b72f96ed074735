"""A query that runs on after its cell is known by a note, with Google's own client against the stand-in."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from carrel_lab.activity.queries import Jobs
from carrel_lab.queries import client
from carrel_lab.queries.here import Place
from support.cluster import eventually
from unit.warehouse.doubles import EmulatorDouble


@pytest.fixture
def noted(tmp_path: Path) -> Iterator[Path]:
    """The note of a process whose client is watched."""
    note = tmp_path / "carrel-queries-1"
    kept = {name: getattr(bigquery.Client, name) for name in client.BEGIN_A_JOB}
    client.wrap(sys.modules[client.CLIENT], Jobs(note, pause=0.1))
    yield note
    for name, method in kept.items():
        setattr(bigquery.Client, name, method)


@pytest.fixture
def warehouse(servers: tuple[TestServer, TestServer]) -> bigquery.Client:
    address = str(servers[1].make_url("")).rstrip("/")
    return bigquery.Client("p", AnonymousCredentials(), client_options={"api_endpoint": address})  # type: ignore[no-untyped-call]


async def test_a_job_is_noted_until_the_warehouse_says_that_it_is_done(
    noted: Path, warehouse: bigquery.Client, emulator: EmulatorDouble
) -> None:
    def play() -> None:
        warehouse.query("SELECT 1", job_id="slow", job_retry=None)
        assert noted.exists()
        time.sleep(0.5)  # some looks
        assert noted.exists(), "it has not ended"
        emulator.jobs[0]["status"] = {"state": "DONE"}
        eventually("the note is gone", lambda: not noted.exists(), 5)

    await asyncio.to_thread(play)


async def test_a_job_that_its_own_cell_waited_for_is_asked_for_no_more(
    noted: Path, warehouse: bigquery.Client
) -> None:
    def play() -> None:
        job = warehouse.query("SELECT 1", job_id="quick", job_retry=None)
        job._properties["status"] = {"state": "DONE"}
        eventually("the note is gone", lambda: not noted.exists(), 5)

    await asyncio.to_thread(play)


async def test_a_refused_query_is_refused_as_ever(noted: Path, warehouse: bigquery.Client) -> None:
    with pytest.raises(TypeError, match="query"):
        await asyncio.to_thread(warehouse.query)  # type: ignore[call-arg]
    assert not await asyncio.to_thread(noted.exists)


def test_what_goes_wrong_with_a_note_does_not_reach_the_query(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "missing" / "note", pause=0.05)
    begin = client._told(lambda _: object(), bigquery.QueryJobConfig, jobs, lambda: Place("", ""))
    assert begin(None) is not None, "a job that is none"


def test_a_kernel_pays_for_the_client_when_a_person_imports_it_and_not_before() -> None:
    code = """
import sys
from types import SimpleNamespace
from carrel_lab.queries import extension, imports
extension.load_ipython_extension(SimpleNamespace(register_magic_function=lambda *_: None))
assert not any(name.startswith("google.cloud.bigquery") for name in sys.modules)
assert "carrel_lab.queries.client" not in sys.modules
from google.cloud import bigquery
assert bigquery.Client.query.__wrapped__.__qualname__ == "Client.query"
assert bigquery.table.RowIterator.to_arrow.__wrapped__.__qualname__ == "RowIterator.to_arrow"
assert bigquery.client.__spec__.loader.get_source(bigquery.client.__name__)
waited_for = [each._name for each in sys.meta_path if isinstance(each, imports._Finder)]
assert waited_for == ["bigquery_magics.bigquery"]
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": "images/notebook"},
    )
    assert done.returncode == 0, done.stderr
