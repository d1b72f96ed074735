"""Numbers are given once and never to anybody else, whatever happens to the registry and whoever writes it too."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as some

from carrel_operator.accounts import FIRST, LAST, Accounts, AccountsError
from carrel_operator.cache import Cache
from carrel_operator.registry import Registry
from unit.operator.api_server import ApiServer

REGISTRY = "/api/v1/namespaces/carrel/configmaps/accounts"

NAMES = some.text("abc-", min_size=1, max_size=3)
GIVEN = some.lists(some.one_of(NAMES.map(lambda name: (name,)), some.tuples(NAMES, NAMES)))


def give(accounts: Accounts, to: tuple[str, ...]) -> Accounts:
    return accounts.with_person(*to) if len(to) == 1 else accounts.with_project(*to)


@given(GIVEN)
def test_no_number_is_given_twice_and_none_changes(everybody: list[tuple[str, ...]]) -> None:
    accounts = Accounts()
    for who in everybody:
        before, accounts = accounts, give(accounts, who)
        assert before.people.items() <= accounts.people.items()
        assert accounts == give(accounts, who), "who has one gets no other"
        assert Accounts.parse(accounts.data()) == accounts
    numbers = [*accounts.people.values(), *(n for each in accounts.projects.values() for n in each.values())]
    assert len(set(numbers)) == len(numbers) == len(set(everybody))
    assert all(FIRST <= number <= LAST for number in numbers)


def test_files_are_shown_with_names() -> None:
    accounts = Accounts().with_person("ada").with_project("sales", "uid-1").with_project("sales", "uid-2")
    assert accounts.data()["passwd"].splitlines() == [
        "ada:x:20000:1000::/home/ada:/bin/bash",
        "project_sales-20001:x:20001:1000::/home/project_sales-20001:/bin/bash",
        "project_sales:x:20002:1000::/home/project_sales:/bin/bash",
    ]
    assert accounts.data()["group"] == "sales-20001:x:20001:\nsales:x:20002:\n"


def test_a_project_that_is_handed_the_files_of_a_former_one_gets_their_number_too() -> None:
    accounts = Accounts().with_project("sales", "uid-1").with_project("sales", "uid-2", 20_000)
    assert accounts.project("sales", "uid-2") == 20_000
    assert accounts.data()["group"] == "sales:x:20000:\n"


@pytest.mark.parametrize("spoilt", ["{", "[]", '{"people": {"ada": "many"}}', '{"people": 3}'])
def test_a_registry_that_was_spoilt_gives_no_numbers(spoilt: str) -> None:
    with pytest.raises(AccountsError, match="restore it from a backup"):
        Accounts.parse({"numbers.json": spoilt})


def test_when_all_are_given_nobody_gets_somebody_elses() -> None:
    with pytest.raises(AccountsError, match="are given"):
        Accounts({"last": LAST}).with_person("ada")


async def test_two_operators_at_once_give_different_numbers() -> None:
    server = ApiServer()
    ours = [Registry(server.cluster(), Cache(), "carrel") for _ in range(2)]
    people = [f"person-{number}" for number in range(10)]
    await asyncio.gather(
        *(
            ours[n % 2].give(lambda accounts, who=who: accounts.with_person(who))
            for n, who in enumerate(people)
        )
    )
    kept = Accounts.parse(server.objects[REGISTRY]["data"])
    assert sorted(kept.people) == sorted(people)
    assert len(set(kept.people.values())) == len(people)


async def test_a_registry_that_was_deleted_is_written_anew() -> None:
    server = ApiServer()
    registry = Registry(server.cluster(), Cache(), "carrel")
    await registry.give(lambda accounts: accounts.with_person("ada"))
    del server.objects[REGISTRY]
    await registry.give(lambda accounts: accounts.with_person("alan"))
    assert Accounts.parse(server.objects[REGISTRY]["data"]).people == {"ada": 20_000, "alan": 20_001}
