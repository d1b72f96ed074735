"""A query that runs on after its cell is known by a note, with Google's own client against the stand-in."""

import asyncio
import importlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from carrel_lab.activity import queries
from carrel_lab.activity.queries import Jobs
from support.cluster import eventually
from unit.warehouse.doubles import EmulatorDouble


@pytest.fixture
def noted(tmp_path: Path) -> Iterator[Path]:
    """The note of a process whose client is watched."""
    note = tmp_path / "carrel-queries-1"
    kept = {name: getattr(bigquery.Client, name) for name in queries._BEGIN_A_JOB}
    queries.watch(Jobs(note, pause=0.1))
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
    begin = queries._noted(lambda _: object(), jobs)
    assert begin(None) is not None, "a job that is none"


def test_the_client_is_wrapped_when_a_person_imports_it_and_costs_nothing_before() -> None:
    code = """
import sys
from pathlib import Path
from carrel_lab.activity import queries
queries.watch(queries.Jobs(Path("/nowhere/note")))
assert not any(name.startswith("google.cloud.bigquery") for name in sys.modules)
from google.cloud import bigquery
assert bigquery.Client.query.__wrapped__.__qualname__ == "Client.query"
assert bigquery.client.__spec__.loader.get_source(bigquery.client.__name__)
assert not any(isinstance(each, queries._Finder) for each in sys.meta_path)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": "images/notebook"},
    )
    assert done.returncode == 0, done.stderr
    assert importlib.util.find_spec(queries.CLIENT)
