"""Which backup a date means, and which paths lead out of a volume."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrel_backup.backup import _outcome
from carrel_backup.restic import ResticError
from carrel_backup.restore import chosen, inside
from carrel_backup.source import Snapshot, TaskError

BERLIN = ZoneInfo("Europe/Berlin")
SNAPSHOTS = [
    Snapshot(name, datetime.fromisoformat(at))
    for name, at in (
        ("newest", "2026-11-27T02:30:05.219222+01:00"),
        ("oldest", "2026-11-24T02:30:00+01:00"),
        ("before-image", "2026-11-26T14:10:59.9+01:00"),
        ("summer", "2026-11-26T02:30:00+01:00"),
    )
]


@pytest.mark.parametrize(
    ("as_of", "found"),
    [
        ("", "newest"),
        ("2026-11-27", "newest"),
        ("2026-12-24", "newest"),
        ("2026-11-26", "before-image"),
        ("2026-11-25", "oldest"),
        ("2026-11-26 14:10", "before-image"),
        ("2026-11-26T14:09", "summer"),
        ("2026-11-26T13:10Z", "before-image"),
        ("2026-11-27T02:30:05+01:00", "newest"),
        ("2026-11-27T02:30:04+01:00", "before-image"),
        ("2026-11-27T01:30:05Z", "newest"),
    ],
)
def test_the_newest_of_then_or_before(as_of: str, found: str) -> None:
    assert chosen(SNAPSHOTS, as_of, BERLIN).id == found


@pytest.mark.parametrize(
    ("as_of", "sentence"),
    [
        ("2026-11-23", "There is no backup from 2026-11-23 or before. The oldest is of 2026-11-24 02:30."),
        ("yesterday", "'yesterday' is no date: say it as 2026-11-26 or 2026-11-26T14:00."),
        ("2026-02-30", "'2026-02-30' is no date"),
    ],
)
def test_a_date_without_a_backup_is_a_sentence(as_of: str, sentence: str) -> None:
    with pytest.raises(TaskError, match=re.escape(sentence)):
        chosen(SNAPSHOTS, as_of, BERLIN)
    with pytest.raises(TaskError, match="There is no backup yet"):
        chosen([], as_of, BERLIN)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.ipynb", "/a.ipynb"),
        ("./work//a b/", "/work/a b"),
        ("~/work", "/work"),
        (".", "/"),
        ("~", "/"),
        ("...", "/..."),
        ("we[ir]d*/$(x)\n", "/we[ir]d*/$(x)\n"),
    ],
)
def test_a_path_is_seen_from_the_top(path: str, found: str) -> None:
    assert inside(path) == found


@pytest.mark.parametrize("path", ["/etc/passwd", "..", "a/../../b", "a/..", "/", "a\0b"])
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    with pytest.raises(TaskError, match=r"without '\.\.'"):
        inside(path)


@settings(deadline=None)  # a busy machine is no fault
@given(st.text())
def test_no_path_leads_out(path: str) -> None:
    try:
        found = inside(path)
    except TaskError:
        return
    assert found.startswith("/")
    assert ".." not in found.split("/")


SUMMARY = {
    "total_files_processed": 3,
    "total_bytes_processed": 7,
    "snapshot_id": "60c4cbd17b",
    "backup_start": "x",
}


def test_files_that_could_not_be_read_are_counted_and_told() -> None:
    assert _outcome(SUMMARY, [])["message"] == "3 files are backed up."
    some = _outcome(SUMMARY, ["a", "b"])
    assert some["unreadable"] == 2
    assert "2 could not be read, such as 'a'" in some["message"]


@pytest.mark.parametrize(
    ("code", "said", "sentence"),
    [
        (1, "write /repository/x: no space left on device", "volume for backups is full"),
        (12, "wrong password or no key found", "another password"),
        (
            1,
            "Fatal: unable to save snapshot: snapshot is empty",
            "There is no file in it, or none that could be read.",
        ),
        (1, "something else", "restic says: something else"),
        (137, "", "exit code 137"),
    ],
)
def test_what_restic_complains_of_is_a_sentence(code: int, said: str, sentence: str) -> None:
    assert sentence in str(ResticError(code, said))
