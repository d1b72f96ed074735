"""The gateway's rules without a network: prices, limits, labels, settings, and what is read of answers."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel_operator.api import Budget
from carrel_operator.quantities import size
from carrel_warehouse.gateway import labels, settings, verdict
from carrel_warehouse.gateway.payers import Payer
from carrel_warehouse.gateway.witnesses import RowsWitness, Sighting, sighting
from carrel_warehouse.price import Price

MIB, GIB, TIB = 1024**2, 1024**3, 1024**4
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
PRICE = Price(6.25, "$")


def payer(day: int | None = None, query: int | None = None) -> Payer:
    return Payer("ada", "", "nb-ada", Budget(day, query))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1536 * MIB, "1.5 GiB"),
        (250 * GIB, "250 GiB"),
        (5000 * TIB, "4.9 PiB"),
    ],
)
def test_sizes(number: int, said: str) -> None:
    assert size(number) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "$0.00"), (MIB, "less than $0.01"), (TIB, "$6.25"), (2000 * TIB, "$12,500.00")]
)
def test_prices(number: int, said: str) -> None:
    assert PRICE.of(number) == said


@pytest.mark.parametrize(
    ("processed", "billed"), [(0, 0), (1, 10 * MIB), (10 * MIB + 1, 11 * MIB), (GIB, GIB)]
)
def test_what_is_billed(processed: int, billed: int) -> None:
    assert verdict.billed(processed) == billed


@pytest.mark.parametrize(
    ("day", "query", "processed", "spent", "refused"),
    [
        (None, None, 10**18, 10**18, ""),
        (None, GIB, GIB, 0, ""),
        (None, GIB, GIB + 1, 0, "bytesPerQuery"),
        (GIB, None, GIB, 0, ""),
        (GIB, None, GIB, 1, "bytesPerDay"),
        (0, None, 1, 0, "bytesPerDay"),
        (0, 0, 0, 0, ""),
        (GIB, None, 0, 5 * GIB, ""),
        (None, 0, 1, 0, "bytesPerQuery"),
        (GIB, None, 1, GIB - 10 * MIB, ""),
        (GIB, None, 1, GIB - 10 * MIB + 1, "bytesPerDay"),
    ],
)
def test_limits(day: int | None, query: int | None, processed: int, spent: int, refused: str) -> None:
    message = verdict.refusal(payer(day, query), processed, spent, PRICE, NOON)
    assert bool(message) == bool(refused)
    assert refused in message


@pytest.mark.parametrize(
    ("given", "day", "query", "spent", "cap"),
    [
        (None, None, None, 0, None),
        ("5", None, None, 0, "5"),
        (None, 100, None, 30, "70"),
        (None, 100, 50, 30, "50"),
        ("60", 100, None, 30, "60"),
        ("80", 100, None, 30, "70"),
        (None, 100, None, 300, "1"),
        ("-1", 100, None, 0, "100"),
        ("many", None, None, 0, None),
        (7, None, 50, 0, "7"),
    ],
)
def test_the_cap(given: object, day: int | None, query: int | None, spent: int, cap: str | None) -> None:
    assert verdict.cap(given, payer(day, query), spent) == cap


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**15))
def test_what_may_run_never_spends_more_than_there_is(
    day: int, query: int, processed: int, spent: int
) -> None:
    if not verdict.refusal(payer(day, query), processed, spent, PRICE, NOON):
        cost = verdict.billed(processed)
        assert cost <= query
        assert cost == 0 or cost + spent <= day


@given(st.text(max_size=300))
def test_labels_are_what_bigquery_allows(text: str) -> None:
    value = labels.value(text)
    assert len(value) <= 63
    assert set(value) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


@given(st.text(max_size=100), st.text(max_size=100))
def test_two_people_never_share_a_label(one: str, other: str) -> None:
    assert (labels.value(one) == labels.value(other)) == (one == other)


def test_a_name_that_is_allowed_is_its_own_label() -> None:
    assert labels.value("ada") == "ada"
    assert labels.value("Ada") != "ada"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "must be a mapping"),
        ({"namespace": "n", "project": "p"}, "need upstream"),
        ({"namespace": "n", "project": "p", "upstream": "ftp://x"}, "write http"),
        ({"namespace": "n", "project": "p", "upstream": "http://x/y"}, "without a path"),
        ({"namespace": "n", "project": "p", "upstream": "http://x", "colour": 1}, "colour"),
        (
            {"namespace": "n", "project": "p", "upstream": "http://x", "budget": {"bytesPerDay": "lots"}},
            "budget.bytesPerDay is 'lots'",
        ),
        ({"namespace": "n", "project": "p", "upstream": "http://x", "people": {"ada": 5}}, "people.ada"),
    ],
)
def test_settings_that_cant_be_used(content: object, said: str) -> None:
    with pytest.raises(settings.SettingsError, match=said):
        settings.parse(content)


def test_a_persons_own_budget_fills_up_from_everybodys() -> None:
    found = settings.parse(
        {
            "namespace": "n",
            "project": "p",
            "upstream": "https://bigquery.googleapis.com/",
            "budget": {"bytesPerDay": "10Gi", "bytesPerQuery": "1Gi"},
            "people": {"ada": {"bytesPerDay": "20Gi"}},
        }
    )
    assert found.budget_of("ada") == Budget(20 * GIB, GIB)
    assert found.budget_of("bob") == Budget(10 * GIB, GIB)
    assert found.upstream == "https://bigquery.googleapis.com"


@pytest.mark.parametrize("chunk", [1, 7, 1000, 10**6])
@pytest.mark.parametrize("spaced", [True, False])
def test_figures_before_and_after_the_rows_are_read(chunk: int, *, spaced: bool) -> None:
    told: list[Sighting] = []
    witness = RowsWitness(told.append)
    answer = {
        "kind": "bigquery#queryResponse",
        "schema": {"fields": [{"name": "totalBytesBilled", "type": "STRING"}]},
        "jobReference": {"projectId": "p", "jobId": "j", "location": "EU"},
        "rows": [{"f": [{"v": '"totalBytesBilled":"1"'}, {"v": "x" * 50_000}]}],
        "totalBytesProcessed": "123",
        "totalBytesBilled": "456",
        "jobComplete": True,
        "cacheHit": False,
    }
    body = json.dumps(answer, separators=None if spaced else (",", ":")).encode()
    for start in range(0, len(body), chunk):
        witness.see(body[start : start + chunk])
    witness.end()
    assert told == [Sighting("p", "j", "EU", "DONE", 123, 456, {})]


@pytest.mark.parametrize(
    "resource",
    [
        {},
        [],
        None,
        {"jobReference": {}, "configuration": {"load": {}}},
        {"jobReference": {"jobId": "j"}, "configuration": {"dryRun": True, "query": {}}},
    ],
)
def test_what_is_no_query_is_no_sighting(resource: object) -> None:
    assert sighting(resource) is None
