"""What keeps outputs: when a document is written, what the journal believes, where a cell is marked, whose change wins."""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel_lab.durable import cut
from carrel_lab.durable.conflict import copy_path, merged
from carrel_lab.durable.journal import Journal, Running
from carrel_lab.durable.saver import Saver

AT = datetime(2026, 11, 27, 14, 2, 33, tzinfo=UTC)
RUN = Running("projects/team/a.ipynb", "c1", "r1")


class Disk:
    """Something to write to, which can fail."""

    def __init__(self, *, works: bool = True) -> None:
        self.works, self.writes = works, 0

    async def write(self) -> bool:
        self.writes += 1
        await asyncio.sleep(0)
        return self.works


def test_changes_without_a_pause_are_written_all_the_same() -> None:
    disk = Disk()

    async def work() -> None:
        saver = Saver(disk.write, 0.02)
        for _ in range(100):
            saver.changed()
            await asyncio.sleep(0.002)
        await saver.close()

    asyncio.run(work())
    assert disk.writes >= 3


def test_nothing_is_written_at_rest_and_the_last_change_always_is() -> None:
    disk = Disk()

    async def work() -> None:
        saver = Saver(disk.write, 0.01)
        await asyncio.sleep(0.03)
        assert disk.writes == 0
        saver.changed()
        await saver.close()
        assert disk.writes == 1
        saver.changed()
        await asyncio.sleep(0.03)

    asyncio.run(work())
    assert disk.writes == 1, "a closed one does nothing any more"


def test_a_full_disk_is_tried_again_at_longer_intervals_until_there_is_room() -> None:
    disk, waits = Disk(works=False), []

    async def work() -> None:
        saver = Saver(disk.write, 0.005)
        saver.changed()
        for _ in range(5):
            waits.append(saver.wait())
            await saver.save()
            assert saver.unsaved
        disk.works = True
        await asyncio.sleep(0.4)
        assert not saver.unsaved

    asyncio.run(work())
    assert waits[-1] >= 8 * waits[0]


def test_the_journal_tells_the_next_server_and_no_other(tmp_path: Path) -> None:
    Journal(tmp_path, "/user/ada/").note([RUN])
    assert Journal(tmp_path, "/user/ada/big/").found().cells == ()
    found = Journal(tmp_path, "/user/ada/").found()
    assert found.cells == (RUN,)
    assert abs((datetime.now(UTC) - found.at).total_seconds()) < 60


def test_the_journal_leaves_nothing_behind(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "x")
    journal.note([])
    assert list(tmp_path.rglob("*")) == []
    journal.note([RUN])
    journal.note([])
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[" * 100_000,
        '"x"',
        '{"path": "a"}',
        "[1, null, [], {}]",
        json.dumps([{"path": 1, "cell": "c", "request": "r"}]),
        json.dumps([{"path": "a" * 5000, "cell": "c", "request": "r"}]),
        json.dumps([{"path": "a", "cell": "c", "request": "r"}] * 5000),
    ],
)
def test_a_hostile_journal_is_no_journal(tmp_path: Path, content: str) -> None:
    journal = Journal(tmp_path, "x")
    journal.note([RUN])
    (file,) = (each for each in tmp_path.rglob("*") if each.is_file())
    file.write_text(content)
    assert Journal(tmp_path, "x").found().cells == ()


def test_neither_a_link_nor_a_pipe_is_a_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "x")
    journal.note([RUN])
    (file,) = (each for each in tmp_path.rglob("*") if each.is_file())
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert journal.found().cells == ()
    file.unlink()
    os.mkfifo(file)
    assert journal.found().cells == ()


def test_a_home_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / ".local").write_text("in the way")
    Journal(tmp_path, "x").note([RUN])


def cell(name: str, source: str = "", **more: Any) -> dict[str, Any]:
    return {"id": name, "cell_type": "code", "source": source, "metadata": {}, "outputs": [], **more}


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def running(request: str) -> dict[str, Any]:
    return {"metadata": {cut.MARK: {"requestId": request}, "tags": ["kept"]}}


def test_a_cut_cell_says_so_below_what_it_had_printed() -> None:
    printed = {"output_type": "stream", "name": "stdout", "text": "line 1\n"}
    document = notebook(cell("c1", **running("r1")) | {"outputs": [printed]}, cell("c2"))
    assert cut.mark(document, ["r1"], AT)
    first, second = document["cells"]
    assert first["outputs"][0] == printed
    assert first["outputs"][1]["text"] == (
        "This cell was cut off at 14:02 UTC when the server ended; what it had printed until then is above. "
        "Run it again to finish.\n"
    )
    assert first["metadata"] == {"tags": ["kept"]}
    assert second["outputs"] == []
    assert not cut.mark(document, ["r1"], AT), "it is said once"


def test_a_cell_that_was_run_again_since_is_left_alone() -> None:
    document = notebook(cell("c1", **running("another run")), cell("c2"))
    before = json.dumps(document)
    assert not cut.mark(document, ["r1"], AT)
    assert json.dumps(document) == before


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["cells", "metadata", cut.MARK, "requestId", "outputs"]), inner, max_size=4
            )
        ),
        max_leaves=20,
    )
)
def test_no_notebook_is_strange_enough_to_fail(document: Any) -> None:
    cut.mark(document, ["r1"], AT)


BASE = notebook(cell("a", "1"), cell("b", "2"), cell("c", "3"))


@pytest.mark.parametrize(
    ("ours", "theirs", "sources", "lost"),
    [
        (BASE, BASE, "123", False),
        (notebook(cell("a", "x"), cell("b", "2"), cell("c", "3")), BASE, "x23", False),
        (BASE, notebook(cell("a", "1"), cell("c", "z")), "1z", False),
        (
            notebook(cell("a", "x"), cell("b", "2"), cell("c", "3")),
            notebook(cell("a", "1"), cell("b", "2"), cell("c", "z")),
            "x2z",
            False,
        ),
        (
            notebook(cell("a", "1"), cell("new", "N"), cell("b", "2"), cell("c", "3")),
            notebook(cell("t", "T"), cell("a", "1"), cell("b", "2"), cell("c", "3")),
            "T1N23",
            False,
        ),
        (
            notebook(cell("a", "1"), cell("c", "3")),
            notebook(cell("a", "1"), cell("b", "2"), cell("c", "z")),
            "1z",
            False,
        ),
        (
            notebook(cell("a", "x"), cell("b", "2"), cell("c", "3")),
            notebook(cell("b", "2"), cell("c", "3")),
            "x23",
            False,
        ),
        (
            notebook(cell("a", "x"), cell("b", "2"), cell("c", "3")),
            notebook(cell("a", "y"), cell("b", "2"), cell("c", "3")),
            "y23",
            True,
        ),
    ],
)
def test_two_people_who_change_different_cells_keep_both(
    ours: dict[str, Any], theirs: dict[str, Any], sources: str, *, lost: bool
) -> None:
    merge = merged(BASE, ours, theirs)
    assert isinstance(merge.content, dict)
    assert "".join(each["source"] for each in merge.content["cells"]) == sources
    assert merge.lost is lost


CELLS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"), max_size=6)


@given(CELLS, CELLS, CELLS)
def test_no_cell_is_lost_without_a_word_and_none_is_there_twice(
    base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]
) -> None:
    merge = merged(*(notebook(*(cell(*each) for each in cells.items())) for cells in (base, ours, theirs)))
    assert isinstance(merge.content, dict)
    there = [(each["id"], each["source"]) for each in merge.content["cells"]]
    assert len(dict(there)) == len(there)
    if not merge.lost:
        assert ours.items() - base.items() <= set(there)


def test_without_a_common_past_the_disk_wins_and_a_copy_is_kept() -> None:
    assert merged(None, "mine", "theirs").lost
    assert merged("old", "mine", "theirs").lost
    assert merged("old", "old", "theirs").content == "theirs"
    assert (
        copy_path("projects/team/a.b.ipynb", "ada", AT)
        == "projects/team/a.b (ada, 2026-11-27 14.02.33).ipynb"
    )
