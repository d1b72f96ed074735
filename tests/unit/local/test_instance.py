"""Two instances never share an address, a port or a path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel_local.instance import NAME, Instance, instance

SOCKET_LIMIT, LINK_LIMIT = 107, 15


def test_the_platform_and_the_tests_have_fixed_addresses() -> None:
    """Bookmarks and the documents name them."""
    assert instance("carrel", {}).hub_url == "http://localhost:8000"
    assert instance("carrel", {}).identity_url == "http://localhost:8001"
    assert instance("carrel-test", {}).hub_url == "http://localhost:8100"
    assert instance("carrel-test", {}).node_address == "10.231.1.2"


def test_others_get_the_first_free_number_and_keep_it() -> None:
    assert instance("blue", {}).number == 2
    assert instance("blue", {"red": 2}).number == 3
    assert instance("blue", {"blue": 7, "red": 2}).number == 7


@given(st.from_regex(NAME, fullmatch=True), st.integers(0, 99))
def test_every_name_fits_where_the_kernel_counts_bytes(name: str, number: int) -> None:
    here = Instance(name, number)
    assert len(f"{here.containerd_socket}.ttrpc") <= SOCKET_LIMIT
    assert len(here.link) <= LINK_LIMIT


@pytest.mark.parametrize("name", ["", "Carrel", "a/b", "..", "-a", "a-", "a" * 21, "a b", "é"])
def test_a_name_that_cannot_be_a_path_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be called"):
        instance(name, {})
