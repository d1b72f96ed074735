"""Any text gives a valid name, and no two texts the same."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel_operator import names
from carrel_operator.principal import of_person, of_project

DNS_1035 = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
DNS_1123 = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")

# Few letters, so that near misses are common; and every text there is, lone surrogates too.
near = st.text(alphabet="aAb-.@é0", max_size=30)
anything = st.one_of(near, st.text(max_size=300), st.text(alphabet=st.characters(), max_size=5))
servers = st.one_of(st.just(""), anything)


def test_a_plain_name_is_its_own_slug() -> None:
    for text in ("ada", "a", "0", "a-b", "x" * 24):
        assert names.slug(text) == text


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("", "x---e3b0c44298"),
        ("Ada", "ada---99a563ab2f"),
        ("ada@example.org", "ada-example---cfe00dde46"),
        ("a--b", "a-b---90827a2e56"),
        ("---", "x---cb3f91d54e"),
        ("名前", "x---7ec2629241"),
    ],
)
def test_golden_slugs_never_change(text: str, slug: str) -> None:
    """These names are in people's clusters: a change here loses their homes."""
    assert names.slug(text) == slug


@given(anything)
def test_every_derived_name_is_valid_and_short(text: str) -> None:
    notebook = names.notebook(text, text)
    assert DNS_1123.fullmatch(notebook)
    for name in (
        names.pod(notebook),
        names.service(notebook),
        names.network_policy(notebook),
        names.environment_secret(notebook),
        names.service_account(text),
        names.home(text),
    ):
        assert DNS_1035.fullmatch(name)
        assert len(name) <= 63
    assert len(names.user_label(text)) <= 63


@given(anything, anything)
def test_two_texts_never_share_a_slug(one: str, other: str) -> None:
    assert (names.slug(one) == names.slug(other)) == (one == other)


@given(anything)
def test_nobody_can_be_named_like_the_slug_of_another(text: str) -> None:
    taken = names.slug(text)
    assert names.slug(taken) != taken or taken == text


@given(anything, servers, anything, servers)
def test_two_servers_never_share_a_notebook(
    owner: str, server: str, other_owner: str, other_server: str
) -> None:
    same = (owner, server) == (other_owner, other_server)
    assert (names.notebook(owner, server) == names.notebook(other_owner, other_server)) == same


@given(st.lists(st.sampled_from(["a", "b", "-", "--", "---"]), max_size=8), st.data())
def test_no_way_to_cut_one_text_in_two_gives_the_same_notebook(parts: list[str], data: st.DataObject) -> None:
    """a with server b-c and a-b with server c are the fault of CVE-2020-15110."""
    text = "".join(parts)
    cuts = st.integers(0, len(text))
    first, second = data.draw(cuts), data.draw(cuts)
    pairs = [(text[:cut], text[cut:].strip("-")) for cut in (first, second)]
    assert (names.notebook(*pairs[0]) == names.notebook(*pairs[1])) == (pairs[0] == pairs[1])


def test_composed_and_decomposed_letters_are_two_people() -> None:
    assert names.slug("jürgen") != names.slug("ju\u0308rgen")


projects = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)
numbers = st.integers(20_000, 60_000)


@given(anything, projects, numbers)
def test_no_person_shares_a_name_with_a_project(person: str, project: str, number: int) -> None:
    if person == names.team(project):
        return  # nobody can sign in so, and it is the project
    team, one = of_project(project, number), of_person(person)
    assert team.service_account != one.service_account
    assert team.home != one.home
    assert team.login != one.login
    assert names.notebook(names.team(project)) != names.notebook(person)


@given(projects, numbers, projects, numbers)
def test_no_two_projects_share_an_account_or_a_home(one: str, n: int, other: str, m: int) -> None:
    first, second = of_project(one, n), of_project(other, m)
    assert (first.service_account == second.service_account) == ((one, n) == (other, m))
    assert (first.home == second.home) == ((one, n) == (other, m))
    assert DNS_1035.fullmatch(first.service_account)
    assert len(first.service_account) <= 63


@given(anything, projects, numbers)
def test_an_account_or_a_home_tells_whose_it_is(person: str, project: str, number: int) -> None:
    for principal, owner in ((of_person(person), person), (of_project(project, number), names.team(project))):
        for name in (principal.service_account, principal.home):
            assert names.owner_label_of(name) == names.user_label(owner)
