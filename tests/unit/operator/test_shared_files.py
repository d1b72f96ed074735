"""A team's files on a real file system, touched by several people's own numbers: what is odd, and what mends it."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel_operator.shared_files import is_odd, mend, right_mode, survey, take_over

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can play several people")

TEAM, ADA, ALAN = 20_005, 20_001, 20_002


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    os.chown(folder, TEAM, TEAM)
    folder.chmod(0o2770)
    for above in (tmp_path, *tmp_path.parents[:3]):
        above.chmod(above.stat().st_mode | 0o011)
    return folder


def as_somebody(uid: int, work: Callable[[], None]) -> None:
    """Do it in a process of that number and of the team, with the umask of every server."""
    if (child := os.fork()) == 0:
        status = 1
        try:
            os.setgroups([TEAM])
            os.setgid(1000)
            os.setuid(uid)
            os.umask(0o002)
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def repair(root: Path, *owners: int) -> None:
    """One round of it, as the pod's containers run."""
    for uid in (*owners, TEAM):
        as_somebody(uid, lambda: mend(root, TEAM))
    as_somebody(TEAM, lambda: take_over(root, TEAM, 20_000, 60_000))


def odd(root: Path) -> list[str]:
    found = survey(root, TEAM)
    assert found.odd == sum(found.owners.values())
    return [str(each["path"]) for each in found.examples]


def test_what_people_make_in_an_ordinary_way_is_the_teams(root: Path) -> None:
    def work() -> None:
        (root / "deep").mkdir()
        (root / "deep" / "file").write_text("x")
        (root / "link").symlink_to("/etc/shadow")
        (root / "run.sh").write_text("x")
        (root / "run.sh").chmod(0o775)
        (root / "object").write_text("as git keeps its objects")
        (root / "object").chmod(0o444)

    as_somebody(ADA, work)
    found = survey(root, TEAM)
    assert (found.entries, found.odd, found.hidden) == (5, 0, 0)


def test_odd_modes_are_found_and_mended_in_rounds(root: Path) -> None:
    def work() -> None:
        (root / "private").write_text("x")
        (root / "private").chmod(0o600)
        (root / "closed").mkdir(mode=0o700)
        (root / "closed" / "inside").write_text("x")
        (root / "closed" / "inside").chmod(0o400)
        os.chown(root / "closed", -1, 1000)
        (root / "plain").mkdir()
        (root / "plain").chmod(0o755)

    as_somebody(ADA, work)
    assert sorted(odd(root)) == ["closed", "plain", "private"]
    assert survey(root, TEAM).owners.keys() == {ADA}
    repair(root, ALAN)
    assert odd(root), "nobody can mend what is another's"
    repair(root, ADA)
    assert odd(root) == []
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in root.iterdir()}
    assert modes == {"private": 0o660, "closed": 0o2770, "plain": 0o2775}
    assert stat.S_IMODE((root / "closed" / "inside").stat().st_mode) == 0o440


def test_files_of_root_are_taken_over_with_their_content(root: Path) -> None:
    (root / "from-outside").write_text("kept")
    (root / "from-outside").chmod(0o644)
    os.utime(root / "from-outside", (1, 1))
    (root / "secret").write_text("x")
    (root / "secret").chmod(0o600)
    assert survey(root, TEAM).owners == {0: 2}
    repair(root)
    info = (root / "from-outside").stat()
    assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode), info.st_mtime) == (TEAM, TEAM, 0o664, 1)
    assert (root / "from-outside").read_text() == "kept"
    assert odd(root) == ["secret"], "what can't be read can't be copied, and is left as it was"
    assert sorted(each.name for each in root.iterdir()) == ["from-outside", "secret"]


def test_no_link_is_followed_out_of_the_folder(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("x")
    os.chown(outside, ADA, 1000)
    outside.chmod(0o600)
    beyond = tmp_path / "beyond"
    beyond.mkdir()
    (beyond / "file").write_text("x")
    os.chown(beyond / "file", ADA, 1000)
    as_somebody(ADA, lambda: (root / "link").symlink_to(outside))
    as_somebody(ADA, lambda: (root / "folder").symlink_to(beyond))
    as_somebody(ADA, lambda: (root / "up").symlink_to(".."))
    repair(root, ADA)
    assert (stat.S_IMODE(outside.stat().st_mode), outside.stat().st_gid) == (0o600, 1000)
    assert (beyond / "file").stat().st_gid == 1000
    assert survey(root, TEAM).entries == 3


def test_a_name_can_be_anything(root: Path) -> None:
    name = b"a\n\x1b[31m\xff" + b"x" * 200
    handle = os.open(os.fsencode(root) + b"/" + name, os.O_CREAT | os.O_WRONLY, 0o600)
    os.close(handle)
    [path] = odd(root)
    assert path.isprintable()
    assert len(path) <= 121


@given(st.integers(0, 0o7777), st.sampled_from([stat.S_IFREG, stat.S_IFDIR]))
def test_a_mended_mode_needs_no_mending_and_takes_nothing_away(mode: int, kind: int) -> None:
    right = right_mode(kind | mode)
    assert right & mode == mode
    assert right_mode(kind | right) == right
    info = os.stat_result((kind | right, 0, 0, 1, ADA, TEAM, 0, 0, 0, 0))
    assert not is_odd(info, TEAM)
    assert is_odd(info, TEAM + 1)
