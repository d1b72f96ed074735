"""What a file is, and into which table it goes."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel_lab.loading import load, names, sources
from carrel_lab.loading.names import Target
from carrel_lab.loading.refusal import RefusalError

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,128}")


@given(st.text())
def test_any_file_has_a_table_whose_name_needs_no_quotes(stem: str) -> None:
    assert IDENTIFIER.fullmatch(names.cleaned(stem))
    assert IDENTIFIER.fullmatch(names.target("", f"{stem}.csv", "ada").table)


@given(st.from_regex(IDENTIFIER, fullmatch=True), st.from_regex(IDENTIFIER, fullmatch=True))
def test_a_name_that_is_given_is_taken_as_it_is(dataset: str, table: str) -> None:
    assert names.target(f"{dataset}.{table}", "x.csv", "ada") == Target(dataset, table)
    assert names.target(table, "x.csv", "ada") == Target("ada", table)


@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("Sales 2026.csv", "Sales_2026"),
        ("2026.01.parquet", "_2026_01"),
        ("été.csv", "ete"),
        ("日.csv", "data"),
    ],
)
def test_a_table_is_called_like_its_file(file: str, table: str) -> None:
    assert names.target("", file, "ada") == Target("ada", table)


@pytest.mark.parametrize("wanted", ["a-b.c", "a.b.c", "a.", ".b", "a b", "é.x", "x" * 1025, "a.b;DROP"])
def test_a_name_that_the_warehouse_can_not_have_is_refused(wanted: str) -> None:
    with pytest.raises(RefusalError, match=r"say DATASET\.TABLE with letters, digits and underscores"):
        names.target(wanted, "x.csv", "ada")


@pytest.mark.parametrize(
    ("content", "columns", "delimiter", "texts"),
    [
        ("day,Item sold,n\n2026-01-01,tea,3\n", ("day", "Item_sold", "n"), ",", False),
        ("name;city\nAda;London\n", ("name", "city"), ";", True),
        ("\ufeffa\tb\nx\t\n", ("a", "b"), "\t", True),
        ('a,b\n"x\ny",true\n', ("a", "b"), ",", False),
        ("one\nx", ("one",), ",", True),
    ],
)
def test_a_csv_file_is_looked_at(
    tmp_path: Path, content: str, columns: tuple[str, ...], delimiter: str, texts: bool
) -> None:
    path = tmp_path / "x.CSV"
    path.write_text(content, encoding="utf-8", newline="")
    found = sources.source(path)
    assert (found.columns, found.delimiter, found.texts) == (columns, delimiter, texts)
    assert found.is_csv
    assert found.size == path.stat().st_size


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"a,b\n", "has no rows below its header"),
        ("a.csv", b"\n\n", "has no rows below its header"),
        ("a.csv", b"\xff\xfea,b\n1,2\n", "is no CSV file in UTF-8; save it as one"),
        ("a.csv", b"a,b\n1,\x00" + b"x" * 200_000 + b"\n", "is no CSV file in UTF-8"),
        ("a.xlsx", b"x", "is neither a .csv nor a .parquet file"),
        ("none", b"x", "is neither a .csv nor a .parquet file"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RefusalError, match=sentence):
        sources.source(tmp_path / name)


def test_what_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name, sentence in (("nothing.csv", "There is no file"), ("folder.csv", "is neither a .csv nor")):
        assert sentence in (load(str(tmp_path / name), "", "", print) or "")
