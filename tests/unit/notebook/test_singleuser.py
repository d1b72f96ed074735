"""What is left out can be imported from while it is left out, and is itself again afterwards."""

import importlib
import sys

import pytest

from carrel_lab.singleuser import left_out

NAMES = ("left_out_package", "left_out_package.part")


def test_names_can_be_imported_and_are_none() -> None:
    with left_out(NAMES):
        part = importlib.import_module("left_out_package.part")
        assert part.Anything is None
    assert not set(NAMES) & sys.modules.keys()


def test_nothing_stays_after_a_failure() -> None:
    with pytest.raises(RuntimeError), left_out(NAMES):
        raise RuntimeError
    with pytest.raises(ImportError):
        importlib.import_module("left_out_package")


def test_a_part_nobody_named_is_an_error_at_once() -> None:
    with left_out(NAMES), pytest.raises(ImportError):
        importlib.import_module("left_out_package.other")
