"""`carrel warehouse load` in a person's own terminal, against the running warehouse."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.cluster import Kubectl, Person
from support.terminal import carrel

pytestmark = pytest.mark.cluster

FILES = """
import pandas
from pathlib import Path
Path("Sales 2026.csv").write_text('day,item sold,n\\n2026-01-01,"tea, green",3\\n2026-01-02,coffee,4\\n')
Path("more.csv").write_text("n,day,item sold\\n9,2026-02-02,milk\\n")
Path("words.csv").write_text("name;city\\nAda;London\\nBob;Paris\\n")
Path("price.csv").write_text("n,price\\n9,1.5\\n")
Path("broken.csv").write_text("day,item sold,n\\n" + "2026-01-01,x,1\\n" * 30_000 + "2026-01-02,x,1,2,3\\n")
Path("cut.parquet").write_bytes(b"PAR1")
pandas.DataFrame({"id": range(1_000_000), "x": [float(i * i) for i in range(1_000_000)]}).to_parquet("big.parquet")
pandas.DataFrame({"id": [-1], "x": [0.5]}).to_parquet("small.parquet")
"""


class Terminal:
    """A person's terminal, and what the warehouse has for them."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.dataset = person.name.replace("-", "_")

    def load(self, *arguments: str) -> tuple[int, str]:
        return carrel(self.person, "warehouse", "load", *arguments)

    def rows(self, table: str) -> Any:
        ask = "from google.cloud import bigquery; import json; client = bigquery.Client()"
        rows = f"client.list_rows('{self.dataset}.{table}')"
        listed = f"sorted(list(map(str, row.values())) for row in {rows})"
        return json.loads(self.person.python(f"{ask}\nprint(json.dumps({listed}))"))


@pytest.fixture
def terminal(person: Callable[..., Person], kube: Kubectl) -> Iterator[Terminal]:
    if kube.get("deployment", "warehouse") is None:
        pytest.skip("this platform's warehouse is not the stand-in")
    ada = person()
    ada.start()
    ada.python(FILES)
    made = Terminal(ada)
    yield made
    ada.python(
        "from google.cloud import bigquery\n"
        f"bigquery.Client().delete_dataset({made.dataset!r}, delete_contents=True, not_found_ok=True)"
    )


def test_a_csv_file_becomes_a_table_with_types(terminal: Terminal) -> None:
    code, said = terminal.load("Sales 2026.csv")
    assert code == 0, said
    table = f"{terminal.dataset}.Sales_2026"
    assert said.splitlines() == [
        f"Rows loaded: 2, from 62 bytes. Rows in {table}: 2.",
        f"Ask it: SELECT * FROM `{table}` LIMIT 10",  # noqa: S608
    ]
    assert terminal.rows("Sales_2026") == [["2026-01-01", "tea, green", "3"], ["2026-01-02", "coffee", "4"]]
    code, said = terminal.load("words.csv", "towns")  # nothing but text, and semicolons
    assert code == 0, said
    assert terminal.rows("towns") == [["Ada", "London"], ["Bob", "Paris"]]


def test_what_is_there_is_not_touched_unless_that_is_said(terminal: Terminal) -> None:
    assert terminal.load("Sales 2026.csv", "sales")[0] == 0
    before = terminal.rows("sales")
    refused = {
        ("Sales 2026.csv", "sales"): "is there already, with 2 rows: say --append to add to it, --replace",
        ("broken.csv", "sales", "--replace"): "Nothing was loaded, because the warehouse says",
        ("broken.csv", "sales", "--append"): "Nothing was loaded, because the warehouse says",
        ("price.csv", "sales", "--append"): "has no column 'price' as the file does",
    }
    for arguments, sentence in refused.items():
        code, said = terminal.load(*arguments)
        assert code == 1, said
        assert sentence in said
        assert len(said.splitlines()) == 1, said
    assert terminal.rows("sales") == before
    code, said = terminal.load("more.csv", "sales", "--append")  # its columns in another order
    assert code == 0, said
    assert terminal.rows("sales") == [*before, ["2026-02-02", "milk", "9"]]
    code, said = terminal.load("Sales 2026.csv", "sales", "--replace")
    assert code == 0, said
    assert terminal.rows("sales") == before


def test_a_parquet_file_of_megabytes_is_sent_in_pieces(terminal: Terminal) -> None:
    code, said = terminal.load("big.parquet")
    assert code == 0, said
    assert f"Rows in {terminal.dataset}.big: 1,000,000." in said
    code, said = terminal.load("small.parquet", f"{terminal.dataset}.big", "--append")
    assert code == 0, said
    assert "Rows loaded: 1, from" in said
    assert f"Rows in {terminal.dataset}.big: 1,000,001." in said


def test_what_can_not_be_loaded_is_refused_with_one_sentence(terminal: Terminal) -> None:
    refused = {
        ("nothing.csv",): "There is no file 'nothing.csv'.",
        ("cut.parquet",): "'cut.parquet' is no Parquet file, or a part of it is missing; write it again.",
        (
            "welcome.ipynb",
        ): "'welcome.ipynb' is neither a .csv nor a .parquet file; save your data as one of them.",
        (
            "words.csv",
            "no-such.words",
        ): "'no-such' can't be the name of a dataset: say DATASET.TABLE with letters, "
        "digits and underscores.",
        (
            "words.csv",
            "nowhere_at_all.words",
        ): "There is no dataset 'nowhere_at_all': leave it out to load into your "
        f"own, '{terminal.dataset}', or make it with the query CREATE SCHEMA nowhere_at_all",
    }
    for arguments, sentence in refused.items():
        assert terminal.load(*arguments) == (1, f"{sentence}\n")
