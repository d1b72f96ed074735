"""What comes back lands beside what is there, never over it, and never where a link leads."""

import contextlib
import itertools
import os
from pathlib import Path

import pytest

from carrel_backup.landing import Landing, candidates
from carrel_backup.source import TaskError

DAY = "2026-11-26"


@pytest.mark.parametrize(
    ("name", "following"),
    [
        ("a.csv", ["a.csv", "a (2).csv", "a (3).csv"]),
        ("folder", ["folder", "folder (2)", "folder (3)"]),
        (".bashrc", [".bashrc", ".bashrc (2)", ".bashrc (3)"]),
        ("a.tar.gz", ["a.tar.gz", "a.tar (2).gz", "a.tar (3).gz"]),
    ],
)
def test_names_that_are_tried(name: str, following: list[str]) -> None:
    assert list(itertools.islice(candidates(name), 3)) == following


def put_file(landing: Landing, name: str, content: str) -> str:
    with landing.half() as (half, _):
        into = landing.open_new(half, name)
        os.write(into, content.encode())
        os.close(into)
        return landing.take(half, name, is_folder=False)


def put_folder(landing: Landing, name: str) -> str:
    with landing.half() as (half, folder):
        (folder / name).mkdir()
        (folder / name / "inner").write_text("x")
        landing.open_up(half, name, 0o750)
        return landing.take(half, name, is_folder=True)


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    landing = Landing(tmp_path, DAY)
    assert put_file(landing, "a.csv", "first") == f"restored/{DAY}/a.csv"
    assert put_file(Landing(tmp_path, DAY), "a.csv", "second") == f"restored/{DAY}/a (2).csv"
    assert put_folder(landing, "work") == f"restored/{DAY}/work"
    (tmp_path / f"restored/{DAY}/work (2)").write_text("a file in the way")
    assert put_folder(landing, "work") == f"restored/{DAY}/work (3)"
    assert put_file(landing, "work", "x") == f"restored/{DAY}/work (4)"
    there = tmp_path / f"restored/{DAY}"
    assert (there / "a.csv").read_text() == "first"
    assert (there / "a (2).csv").read_text() == "second"
    assert (there / "work").stat().st_mode & 0o777 == 0o750
    assert sorted(each.name for each in there.iterdir() if each.name.startswith(".")) == []


def test_an_empty_folder_that_is_there_stays_what_it_is(tmp_path: Path) -> None:
    mine = tmp_path / f"restored/{DAY}/work"
    mine.mkdir(parents=True)
    inode = mine.stat().st_ino
    assert put_folder(Landing(tmp_path, DAY), "work") == f"restored/{DAY}/work (2)"
    assert mine.stat().st_ino == inode


@pytest.mark.parametrize("link", ["restored", f"restored/{DAY}"])
def test_a_link_is_not_followed(tmp_path: Path, link: str) -> None:
    volume, outside = tmp_path / "volume", tmp_path / "outside"
    outside.mkdir()
    (volume / link).parent.mkdir(parents=True)
    (volume / link).symlink_to(outside)
    with pytest.raises(TaskError, match=f"'{link}' is no folder of its own"):
        Landing(volume, DAY)
    assert list(outside.iterdir()) == []


def test_a_link_that_bears_the_wanted_name_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    folder = tmp_path / f"restored/{DAY}"
    folder.mkdir(parents=True)
    (folder / "a.csv").symlink_to(outside)
    assert put_file(Landing(tmp_path, DAY), "a.csv", "x") == f"restored/{DAY}/a (2).csv"
    assert not outside.exists()


def test_what_a_killed_pod_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / f"restored/{DAY}/.restoring-1234"
    (left / "deep").mkdir(parents=True)
    Landing(tmp_path, DAY)
    assert not left.exists()


def test_a_failure_leaves_nothing_half_done(tmp_path: Path) -> None:
    landing = Landing(tmp_path, DAY)
    with contextlib.suppress(TaskError), landing.half() as (_, folder):
        (folder / "half").write_text("x")
        raise TaskError
    assert list((tmp_path / f"restored/{DAY}").iterdir()) == []
