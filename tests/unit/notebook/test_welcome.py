"""The starter notebook comes once, never over anything, and never in the way of a start."""

import stat
from pathlib import Path

import pytest

from carrel_lab import welcome


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.ipynb"
    path.write_text("welcome")
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


def files(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir() if path.is_file())


def test_a_new_home_gets_it(source: Path, home: Path) -> None:
    assert welcome.place(source, home) is None
    assert (home / "welcome.ipynb").read_text() == "welcome"
    assert files(home) == ["welcome.ipynb"]


def test_it_does_not_come_back_after_it_was_deleted(source: Path, home: Path) -> None:
    welcome.place(source, home)
    (home / "welcome.ipynb").unlink()
    assert welcome.place(source, home) is None
    assert files(home) == []


def test_a_file_of_that_name_is_left_alone(source: Path, home: Path) -> None:
    (home / "welcome.ipynb").write_text("mine")
    assert welcome.place(source, home) is None
    assert (home / "welcome.ipynb").read_text() == "mine"
    assert files(home) == ["welcome.ipynb"]


def test_a_dangling_link_of_that_name_is_left_alone(source: Path, home: Path) -> None:
    (home / "welcome.ipynb").symlink_to(home / "elsewhere")
    assert welcome.place(source, home) is None
    assert not (home / "elsewhere").exists()


def test_it_can_be_edited(source: Path, home: Path) -> None:
    source.chmod(0o444)
    welcome.place(source, home)
    assert (home / "welcome.ipynb").stat().st_mode & stat.S_IWUSR


def test_a_full_home_is_a_sentence_and_tried_again(
    source: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert welcome.place(source, home) == "No space left on device"
    assert files(home) == []
    assert welcome.place(source, home) is None
    assert files(home) == ["welcome.ipynb"]


def test_a_home_that_cannot_be_written_is_a_sentence(source: Path, tmp_path: Path) -> None:
    assert welcome.place(source, tmp_path / "missing") == "No such file or directory"
