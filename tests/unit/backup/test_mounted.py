"""What is copied out of a mounted snapshot: files as they were, links as links, and nothing that a link leads to."""

import os
import re
import socket
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from carrel_backup import mounted
from carrel_backup.mounted import MountedSnapshot
from carrel_backup.restore import Wish, bring_back
from carrel_backup.source import Snapshot, TaskError

UTC = ZoneInfo("UTC")
AT = Snapshot("home-ada.20261126-023000", datetime.fromisoformat("2026-11-26T02:30:00Z"))
DAY = "restored/2026-11-26"


class World:
    """A volume, the snapshot of it that is mounted beside, and what neither of them holds."""

    def __init__(self, top: Path) -> None:
        self.volume, self.snapshot, self.outside = top / "volume", top / "snapshot", top / "outside"
        for each in (self.volume, self.snapshot, self.outside):
            each.mkdir()
        (self.outside / "secret").write_text("secret")

    def put(self, path: str, content: str, mode: int = 0o644) -> None:
        file = self.snapshot / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        file.chmod(mode)
        os.utime(file, (1_000_000_000, 1_000_000_000))

    def restore(self, path: str) -> dict[str, Any]:
        return bring_back(MountedSnapshot(self.snapshot, AT), self.volume, Wish(path), UTC)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_file_comes_back_as_it_was(world: World) -> None:
    world.put("work/a.csv", "one", 0o640)
    (world.volume / "work").mkdir()
    (world.volume / "work/a.csv").write_text("two")
    told = world.restore("work/a.csv")
    assert told == {
        "message": f"'work/a.csv' as of 2026-11-26 02:30 is in '{DAY}/a.csv'.",
        "into": f"{DAY}/a.csv",
        "snapshot": AT.id,
    }
    back = world.volume / DAY / "a.csv"
    assert back.read_text() == "one"
    assert (back.stat().st_mode & 0o777, back.stat().st_mtime) == (0o640, 1_000_000_000)
    assert (world.volume / "work/a.csv").read_text() == "two"
    assert world.restore("work/a.csv")["into"] == f"{DAY}/a (2).csv"


def test_a_folder_comes_back_with_its_links_and_modes(world: World) -> None:
    world.put("work/deep/we[ir]d* näme\n$(HOME)", "odd", 0o400)
    (world.snapshot / "work/outside").symlink_to("/etc/passwd")
    (world.snapshot / "work/up").symlink_to("../../..")
    (world.snapshot / "work/deep").chmod(0o500)
    (world.snapshot / "work").chmod(0o750)
    assert world.restore("work")["message"] == f"'work' as of 2026-11-26 02:30 is in '{DAY}/work'."
    back = world.volume / DAY / "work"
    assert (back.stat().st_mode & 0o777, (back / "deep").stat().st_mode & 0o777) == (0o750, 0o500)
    assert (back / "deep/we[ir]d* näme\n$(HOME)").read_text() == "odd"
    assert [str((back / each).readlink()) for each in ("outside", "up")] == ["/etc/passwd", "../../.."]


def test_everything_comes_back_beside_what_is_there(world: World) -> None:
    world.put("work/a.csv", "one")
    assert world.restore(".")["into"] == f"{DAY}/everything"
    assert (world.volume / DAY / "everything/work/a.csv").read_text() == "one"


@pytest.mark.parametrize("path", ["link/secret", "link", "file/inner", "nowhere/x", "a.cvs"])
def test_what_is_not_in_the_snapshot_itself_is_not_found(world: World, path: str) -> None:
    world.put("a.csv", "one")
    world.put("file", "one")
    (world.snapshot / "link").symlink_to(world.outside)
    with pytest.raises(TaskError) as refused:
        world.restore(path)
    sentence = str(refused.value)
    if path == "link":
        assert "'link' is a link" in sentence
    else:
        assert f"There is no '{path}' in the backup of 2026-11-26 02:30." in sentence
    assert ("There is 'a.csv'." in sentence) is (path == "a.cvs")
    assert not (world.volume / "restored").exists()


def test_what_is_no_file_is_left_out_and_counted(world: World) -> None:
    world.put("work/a.csv", "one")
    os.mkfifo(world.snapshot / "work/pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(world.snapshot / "work/socket"))
    assert world.restore("work")["message"].endswith("2 of what is in it could not be written.")
    assert [each.name for each in (world.volume / DAY / "work").iterdir()] == ["a.csv"]
    with pytest.raises(TaskError, match="'work/pipe' is no file"):
        world.restore("work/pipe")


def test_a_folder_too_deep_is_counted_and_the_rest_copied(world: World) -> None:
    world.put("/".join(["d"] * (mounted._DEEPEST + 3)) + "/x", "deep")
    world.put("d/a.csv", "one")
    assert world.restore("d")["message"].endswith("1 of what is in it could not be written.")
    assert (world.volume / DAY / "d/a.csv").read_text() == "one"


def test_a_time_that_no_calendar_has_is_no_hindrance(world: World) -> None:
    world.put("a.csv", "one")
    for odd in (-(2**31), 2**33):
        os.utime(world.snapshot / "a.csv", (0, odd))
        assert world.restore("a.csv")["into"].startswith(DAY)


def test_a_full_disk_is_said_before_anything_is_changed(world: World) -> None:
    with (world.snapshot / "large").open("wb") as large:
        large.truncate(2**43)
    with pytest.raises(TaskError, match=re.escape("Make room or restore less; nothing was changed.")):
        world.restore("large")
    with pytest.raises(TaskError, match="nothing was changed"):
        world.restore(".")


def test_what_its_owner_keeps_to_himself_is_a_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may run as root, to whom nothing is closed."""
    world.put("work/a.csv", "one")
    opened = os.open

    def closed(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        if path == "a.csv" and not flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", closed)
    with pytest.raises(TaskError, match=r"'work/a\.csv' can't be read from the snapshot: Permission denied"):
        world.restore("work/a.csv")
    assert world.restore("work")["message"].endswith("1 of what is in it could not be written.")
