"""A setting that is missing or can't work is one sentence at the start."""

import pytest

from carrel_warehouse.stand_in.settings import parse

GOOD = {
    "CARREL_PROJECT": "carrel-demo",
    "CARREL_AUDIENCE": "//warehouse.carrel.local/clusters/this",
    "CARREL_EMAIL_DOMAIN": "example.org",
    "CARREL_NAMESPACE": "carrel",
}


def test_the_tokens_audience_is_the_exchanges_name_with_https() -> None:
    assert parse(GOOD).token_audience == "https://warehouse.carrel.local/clusters/this"


def test_administrators_are_a_list() -> None:
    assert parse(GOOD).administrators == frozenset()
    listed = parse(GOOD | {"CARREL_ADMINISTRATORS": "principal://a:b, ada@example.org,"})
    assert listed.administrators == {"principal://a:b", "ada@example.org"}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is not set"):
        parse(GOOD | {name: ""})


def test_an_audience_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="must begin with //"):
        parse(GOOD | {"CARREL_AUDIENCE": "https://warehouse"})


def test_service_accounts_are_json() -> None:
    assert parse(GOOD).service_accounts == {}
    found = parse(GOOD | {"CARREL_SERVICE_ACCOUNTS": '{"n@p.iam.gserviceaccount.com": ["principal://a"]}'})
    assert found.service_accounts == {"n@p.iam.gserviceaccount.com": {"principal://a"}}


@pytest.mark.parametrize("text", ["n@p", "[1]", '{"n@p": 1}'])
def test_service_accounts_of_another_kind_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="CARREL_SERVICE_ACCOUNTS must be JSON"):
        parse(GOOD | {"CARREL_SERVICE_ACCOUNTS": text})
