"""A ledger in a folder that goes with the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from carrel_warehouse.ledger.store import Ledger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def ledger(folder: Path) -> Iterator[Ledger]:
    ledger = Ledger(folder)
    yield ledger
    ledger.close()
