"""Rounding, and what a text mentions."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel_warehouse.stand_in.metering.catalogue import (
    Column,
    Dataset,
    Partitioning,
    Table,
    TableName,
    table,
)
from carrel_warehouse.stand_in.metering.charges import LEAST_PER_TABLE, MIB, NOTHING, billed, estimate
from carrel_warehouse.stand_in.metering.mentions import mentions
from carrel_warehouse.stand_in.metering.sizes import Weights, nothing, query, weighed, weight

SIZES = st.lists(st.integers(0, 2**50), max_size=8)


@given(SIZES)
def test_billed_are_whole_mib_that_cover_what_is_read(sizes: list[int]) -> None:
    price = billed(sizes)
    assert price % MIB == 0
    assert price >= sum(sizes)
    assert price >= LEAST_PER_TABLE * sum(size > 0 for size in sizes)
    assert price < sum(sizes) + MIB or price == LEAST_PER_TABLE * sum(size > 0 for size in sizes)


@given(SIZES, SIZES)
def test_reading_more_never_costs_less(sizes: list[int], more: list[int]) -> None:
    assert billed(sizes + more) >= billed(sizes)


@pytest.mark.parametrize(
    ("sizes", "price"),
    [
        ([], 0),
        ([0], 0),
        ([1], 10 * MIB),
        ([0, 1], 10 * MIB),
        ([1, 1], 20 * MIB),
        ([10 * MIB], 10 * MIB),
        ([10 * MIB + 1], 11 * MIB),
        ([15 * MIB, 1], 20 * MIB),
        ([25 * MIB, 1], 26 * MIB),
    ],
)
def test_the_price_of_some_sizes(sizes: list[int], price: int) -> None:
    assert billed(sizes) == price


def test_an_estimate_says_how_sure_it_is() -> None:
    assert NOTHING.accuracy == "PRECISE"
    found = estimate([0, 8000], precise=False)
    assert (found.processed, found.billed, found.accuracy) == (8000, 10 * MIB, "UPPER_BOUND")


T = TableName


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("BEGIN SELECT 1 FROM d.t; END", [T("p", "d", "t")]),
        ("FROM `other.d.t`", [T("other", "d", "t")]),
        ("FROM `other`.`d` . `t`", [T("other", "d", "t")]),
        ("FROM my-project.d.t", [T("my-project", "d", "t"), T("project", "d", "t")]),
        ("SELECT a-d.t", [T("p", "d", "t")]),
        ("FROM t", [T("p", "here", "t")]),
        ("EXECUTE IMMEDIATE 'SELECT * FROM d.t'", [T("p", "d", "t")]),
        ("FROM `d.log_*`", [T("p", "d", "log_*")]),
        ("t.a", [T("p", "here", "t"), T("p", "t", "a")]),
    ],
)
def test_mentioned_is_every_name_that_could_be_a_tables(text: str, wanted: list[TableName]) -> None:
    assert mentions(text, Dataset("p", "here")) >= set(wanted)


def test_without_a_dataset_a_bare_name_is_no_table() -> None:
    assert mentions("SELECT x FROM t", Dataset("p")) == set()


@pytest.mark.parametrize(
    ("column", "sql"),
    [
        (Column("x", "INTEGER"), "IF(`x` IS NULL, 0, 8)"),
        (Column("x", "BOOLEAN"), "IF(`x` IS NULL, 0, 1)"),
        (Column("x", "NUMERIC"), "IF(`x` IS NULL, 0, 16)"),
        (Column("x", "BIGNUMERIC"), "IF(`x` IS NULL, 0, 32)"),
        (Column("x", "STRING"), "IFNULL(2 + BYTE_LENGTH(`x`), 0)"),
        (
            Column("x", "STRING", repeated=True),
            "IFNULL((SELECT SUM(IFNULL(2 + BYTE_LENGTH(e0), 0)) FROM UNNEST(`x`) AS e0), 0)",
        ),
        (
            Column("x", "RECORD", fields=(Column("a", "DATE"), Column("b", "BOOL"))),
            "(IF(`x`.`a` IS NULL, 0, 8) + IF(`x`.`b` IS NULL, 0, 1))",
        ),
    ],
)
def test_how_a_column_is_weighed(column: Column, sql: str) -> None:
    assert weight(column) == sql


def test_partitions_are_told_apart_by_their_key_alone() -> None:
    by_day = Table(T("p", "d", "t"), (Column("at", "TIMESTAMP"),), partitioning=Partitioning("at", "DAY"))
    key = "IFNULL(CAST(TIMESTAMP_TRUNC(`at`, DAY) AS STRING), '')"
    pruned = query(by_day, "`at` > @x")
    assert pruned.count(key) == 2
    assert pruned.endswith(" FROM `p.d.t` WHERE `at` > @x)")
    assert query(by_day).endswith(f" FROM `p.d.t` WHERE {key} IS NOT NULL")
    assert "WHERE" not in query(replace(by_day, partitioning=None))
    by_range = Table(T("p", "d", "t"), (), partitioning=Partitioning("n", start=5, interval=10))
    assert "CAST(FLOOR((`n` - 5) / 10) AS STRING)" in query(by_range, "`n` > 1")


def test_hidden_rows_count_for_eight_bytes_a_value() -> None:
    two = Table(T("p", "d", "t"), (Column("A", "STRING"), Column("b", "INT64")), rows=5)
    assert weighed(two, [3, 30, 24]) == Weights({"a": 30, "b": 24})
    assert weighed(two, [0, 0, 0]) == weighed(two, None) == Weights({"a": 40, "b": 40}, seen=False)
    assert weighed(replace(two, rows=0), [0, 0, 0]) == nothing(two)


def test_a_table_is_read_from_its_resource() -> None:
    resource = {
        "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "t"},
        "schema": {
            "fields": [
                {"name": "a", "type": "record", "mode": "REPEATED", "fields": [{"name": "b", "type": "DATE"}]}
            ]
        },
        "numRows": "7",
        "timePartitioning": {"type": "MONTH"},
    }
    assert table(resource) == Table(
        T("p", "d", "t"),
        (Column("a", "RECORD", repeated=True, fields=(Column("b", "DATE"),)),),
        rows=7,
        partitioning=Partitioning("_PARTITIONTIME", "MONTH"),
    )
    by_range = resource | {
        "timePartitioning": None,
        "rangePartitioning": {"field": "n", "range": {"start": "1", "end": "9", "interval": "2"}},
    }
    assert table(by_range).partitioning == Partitioning("n", start=1, interval=2)
