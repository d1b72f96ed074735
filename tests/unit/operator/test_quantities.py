"""Kubernetes quantities as numbers and as people say them."""

from decimal import Decimal

import pytest

from carrel_operator import quantities


@pytest.mark.parametrize(
    ("quantity", "number"),
    [
        ("2", 2),
        ("500m", Decimal("0.5")),
        ("0.1", Decimal("0.1")),
        (".5", Decimal("0.5")),
        ("1e3", 1000),
        ("1E", 10**18),
        ("1E2", 100),
        ("4Gi", 4 * 1024**3),
        ("1.5Mi", Decimal(1024**2) * Decimal("1.5")),
        ("128974848", 128974848),
        ("-1", -1),
    ],
)
def test_numbers(quantity: str, number: Decimal) -> None:
    assert quantities.number(quantity) == number


@pytest.mark.parametrize("text", ["", "NaN", "2 cores", "1Gb", "Gi", "1e400", "--1", "1,5"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        quantities.number(text)


@pytest.mark.parametrize(
    ("quantity", "words"), [("100m", "0.1 CPU"), ("2", "2 CPU"), ("10", "10 CPU"), ("1500m", "1.5 CPU")]
)
def test_cores(quantity: str, words: str) -> None:
    assert quantities.cores(quantity) == words


@pytest.mark.parametrize(
    ("quantity", "words"),
    [
        ("512Mi", "512 MiB"),
        ("2048Mi", "2 GiB"),
        ("1536Mi", "1.5 GiB"),
        ("256Gi", "256 GiB"),
        ("100", "100 bytes"),
    ],
)
def test_memory(quantity: str, words: str) -> None:
    assert quantities.memory(quantity) == words
