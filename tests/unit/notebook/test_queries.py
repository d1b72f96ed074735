"""What a kernel says and decides about a query, without a warehouse: labels, sentences, sizes."""

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from google.cloud.bigquery import SchemaField
from hypothesis import given
from hypothesis import strategies as st

from carrel_lab.durable import cell_ids
from carrel_lab.queries import guard, here, labels, sentences, sizes
from carrel_lab.queries.magic import without_fresh
from carrel_lab.queries.sentences import NO_BUDGET, Budget, Ended

GIB = 2**30
VALID = re.compile(r"[a-z0-9_-]{1,63}")
TEN_A_DAY = Budget(price_per_tib=6.25, currency="$", per_day=10 * GIB, left_today=int(8.8 * GIB))


@given(st.text(min_size=1), st.booleans())
def test_any_text_is_a_label_that_bigquery_takes(text: str, path: bool) -> None:
    assert VALID.fullmatch(labels.value(text, of_a_path=path))


@given(st.text(), st.text())
def test_no_two_texts_are_the_same_label(one: str, other: str) -> None:
    assert (labels.value(one) == labels.value(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("3f2a-91_b", "3f2a-91_b"),
        ("a" * 63, "a" * 63),
        ("Untitled.ipynb", "untitled-ipynb-8aac9672"),
        ("x" * 70, "x" * 54 + "-c71bd109"),
    ],
)
def test_a_label_is_made_as_the_gateway_makes_it(text: str, label: str) -> None:
    assert labels.value(text) == label


def test_of_a_long_path_the_end_is_kept() -> None:
    assert "q3-ipynb" in labels.value("folder/" * 20 + "q3.ipynb", of_a_path=True)


def test_a_persons_own_labels_stay_and_are_never_too_many() -> None:
    ours = labels.of("c1", "a.ipynb")
    assert labels.merged({"team": "x", "carrel_cell": "mine"}, ours) == {
        "team": "x",
        "carrel_cell": "mine",
        "carrel_document": labels.value("a.ipynb"),
    }
    many = {f"l{n}": "" for n in range(60)}
    assert labels.merged(many, ours) == many, "with the gateway's three there would be 65"
    assert labels.of("", "") == {}


@pytest.mark.parametrize(
    ("session", "document"),
    [
        ("/home/carrel/sub/a.ipynb", "sub/a.ipynb"),
        ("/projects/risk/a.ipynb", "/projects/risk/a.ipynb"),
        ("RTC:a.ipynb", "a.ipynb"),
        ("", ""),
    ],
)
def test_a_notebook_is_named_by_its_path_from_the_home(session: str, document: str) -> None:
    assert here.document(session, Path("/home/carrel")) == document


@pytest.mark.parametrize(
    ("reads", "budget", "sentence"),
    [
        (
            int(1.2 * GIB),
            TEN_A_DAY,
            "This query reads 1.2 GiB, about $0.01; 8.8 GiB of today's 10 GiB are left.",
        ),
        (2000, TEN_A_DAY, "This query reads 2 KiB, less than $0.01; 8.8 GiB of today's 10 GiB are left."),
        (0, TEN_A_DAY, "This query reads 0 bytes; 8.8 GiB of today's 10 GiB are left."),
        (3 * 2**40, Budget(price_per_tib=6.25), "This query reads 3072 GiB, about $18.75."),
        (5 * GIB, NO_BUDGET, "This query reads 5 GiB."),
    ],
)
def test_before_a_query_runs_its_price_is_said(reads: int, budget: Budget, sentence: str) -> None:
    assert sentences.estimate(reads, budget) == sentence


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (sentences.running(12.3, GIB, (), "j"), "Running for 12 s · 1 GiB · job j"),
        (
            sentences.running(185, None, ("COMPLETE", "RUNNING", "PENDING"), "j"),
            "Running for 3 min 5 s · stage 2 of 3 · job j",
        ),
        (sentences.running(7380, 0, ("COMPLETE",), "j"), "Running for 2 h 3 min · stage 1 of 1 · job j"),
    ],
)
def test_while_it_runs_it_is_followed(said: str, sentence: str) -> None:
    assert said == sentence


@pytest.mark.parametrize(
    ("ended", "sentence"),
    [
        (Ended("j", 12.0, 2 * GIB, from_cache=False), "Ran for 12 s; 2 GiB were billed, about $0.01. Job j."),
        (
            Ended("j", 0.31, 0, from_cache=True),
            "Ran for 0.3 s; the result came from the cache and nothing was billed. Job j.",
        ),
        (Ended("j", 1.0, 0, from_cache=False), "Ran for 1 s; nothing was billed. Job j."),
        (
            Ended("j", 1.0, None, from_cache=False),
            "Ran for 1 s; BigQuery doesn't say what was billed. Job j.",
        ),
    ],
)
def test_after_it_ran_its_cost_is_said(ended: Ended, sentence: str) -> None:
    assert sentences.ended(ended, TEN_A_DAY) == sentence


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("--fresh df", ("df", True)),
        ("df", ("df", False)),
        ("df --project a-b--fresh", ("df --project a-b--fresh", False)),
    ],
)
def test_our_own_argument_is_taken_off(line: str, rest: tuple[str, bool]) -> None:
    assert without_fresh(line) == rest


def test_a_cell_that_runs_on_the_server_has_its_id_in_the_messages_to_the_kernel() -> None:
    session = SimpleNamespace(metadata={})
    sent = []

    async def execute(*_: object) -> dict[str, object]:
        sent.append(session.metadata)
        raise RuntimeError

    async def run(metadata: dict[str, object] | None) -> None:
        with pytest.raises(RuntimeError):
            await cell_ids.told(execute)(SimpleNamespace(session=session), None, "1", metadata, None, {})

    asyncio.run(run({"cell_id": "c1"}))
    asyncio.run(run(None))
    assert sent == [{"cellId": "c1"}, {"cellId": ""}]
    assert session.metadata == {}


NUMBER, TEXT = SchemaField("n", "INTEGER"), SchemaField("t", "STRING")
NESTED = SchemaField("r", "RECORD", fields=(NUMBER, TEXT))
LIST = SchemaField("l", "FLOAT64", mode="REPEATED")


@pytest.mark.parametrize(
    ("fields", "size"),
    [((NUMBER,), 800), ((NUMBER, TEXT), 7200), ((NESTED,), 7200), ((LIST,), 6400), ((), 0)],
)
def test_the_schema_alone_gives_a_size(fields: tuple[SchemaField, ...], size: int) -> None:
    assert sizes.of_rows(100, fields, 64) == size


def test_a_table_gives_the_size_of_what_is_taken_from_it() -> None:
    table = SimpleNamespace(schema=[NUMBER, TEXT], num_rows=100, num_bytes=72_000)
    assert sizes.of_table(table, 100, [NUMBER, TEXT]) == 72_000
    assert sizes.of_table(table, 10, [NUMBER, TEXT]) == 7_200
    assert sizes.of_table(table, 100, [NUMBER]) == 8_000
    empty = SimpleNamespace(schema=[NUMBER], num_rows=0, num_bytes=0)
    assert sizes.of_table(empty, 100, [NUMBER]) == 800, "no smaller than its numbers are"


def test_a_column_of_python_objects_takes_more() -> None:
    decimal = SchemaField("d", "NUMERIC")
    assert sizes.factor([NUMBER, TEXT], 3.0, 10.0) == 3.0
    assert sizes.factor([decimal], 3.0, 10.0) == 10.0
    assert sizes.factor([NUMBER, NUMBER, decimal], 3.0, 10.0) == 6.5
    assert sizes.factor([], 3.0, 10.0) == 3.0


def test_a_refused_result_names_the_numbers_and_each_way_out() -> None:
    said = guard.sentence(6.1 * GIB, int(1.4 * GIB), "carrel_c_1")
    assert "The result needs about 6.1 GiB, 1.4 GiB are free" in said
    for way in (
        "TABLESAMPLE SYSTEM (10 PERCENT)",
        "--destination_table",
        "to_arrow_iterable()",
        "carrel resize SIZE",
    ):
        assert way in said
    assert "%bq_attach carrel_c_1" in said
