"""Who gets which dataset for a project's sake, and what becomes of an access list."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel_operator import grants, names, principal
from carrel_operator.api import Grant, Project
from carrel_operator.grants import change, wanted
from carrel_operator.people import People
from carrel_operator.project_seen import ProjectSeen
from carrel_operator.settings import Identity, IdentityMode
from unit.operator.worlds import project_body

X = "analytics-prod.sales"
PATTERN = "principal://pool/subject/system:serviceaccount:{namespace}:{serviceAccount}"
IDENTITY = Identity(mode=IdentityMode.METADATA, project="analytics-prod", principal=PATTERN)


def whom(account: str) -> str:
    return f"principal://pool/subject/system:serviceaccount:carrel:{account}"


def person(name: str) -> str:
    return whom(principal.of_person(name).service_account)


OWN = whom("project-sales-20005")


def asks(
    *members: dict[str, str],
    role: str = "editor",
    people: dict[str, set[str]] | None = None,
    identity: Identity = IDENTITY,
    **more: Any,
) -> set[tuple[str, str, str]]:
    warehouse = {"datasets": [{"id": "sales", "role": role}]} | more
    body = project_body(members=list(members), warehouse=warehouse)
    seen = ProjectSeen(Project.parse(body), 20_005)
    return {(each.dataset, each.role, each.principal) for each in wanted(seen, people or {}, identity)}


def test_a_projects_own_server_gets_the_role_that_is_stated() -> None:
    assert asks(role="viewer") == {(X, "viewer", OWN)}
    assert asks(role="editor") == {(X, "editor", OWN)}


@pytest.mark.parametrize(
    ("dataset", "member", "granted"),
    [
        ("viewer", "viewer", "viewer"),
        ("viewer", "editor", "viewer"),
        ("viewer", "admin", "viewer"),
        ("editor", "viewer", "viewer"),
        ("editor", "editor", "editor"),
        ("editor", "admin", "editor"),
    ],
)
def test_a_member_gets_no_more_than_the_project_and_no_more_than_they_may(
    dataset: str, member: str, granted: str
) -> None:
    assert (X, granted, person("ada")) in asks({"user": "ada", "role": member}, role=dataset)


def test_members_by_group_are_those_that_are_known_to_be_in_it() -> None:
    found = asks(
        {"group": "analysts", "role": "viewer"},
        {"group": "leads", "role": "admin"},
        {"group": "nobody", "role": "admin"},
        people={"analysts": {"ada", "alan"}, "leads": {"ada"}, "others": {"eve"}},
    )
    assert found == {(X, "editor", OWN), (X, "editor", person("ada")), (X, "viewer", person("alan"))}


def test_a_projects_server_is_nobodys_member() -> None:
    assert asks({"user": "project:risk", "role": "admin"}) == {(X, "editor", OWN)}


def test_where_a_dataset_is() -> None:
    assert {name for name, *_ in asks()} == {X}
    assert {name for name, *_ in asks(billingProject="payer-one")} == {"payer-one.sales"}
    found = asks(billingProject="payer-one", datasets=[{"id": "owner-one.sales", "role": "viewer"}])
    assert {name for name, *_ in found} == {"owner-one.sales"}


def test_a_dataset_that_is_named_twice_has_the_larger_role() -> None:
    twice = [{"id": "sales", "role": "editor"}, {"id": X, "role": "viewer"}]
    assert asks(datasets=twice) == {(X, "editor", OWN)}


def test_where_all_are_one_google_account_it_has_the_most_that_any_may() -> None:
    shared = Identity(
        mode=IdentityMode.METADATA, project="analytics-prod", principal="Notebooks@x.iam.example"
    )
    found = asks({"user": "ada", "role": "viewer"}, identity=shared)
    assert found == {(X, "editor", "notebooks@x.iam.example")}


def test_what_no_warehouse_can_grant_is_said() -> None:
    with pytest.raises(grants.NoWarehouseError, match=r"warehouse\.mode"):
        asks(identity=Identity())
    with pytest.raises(grants.UnknownPrincipalsError, match=r"warehouse\.google\.principal"):
        asks(identity=Identity(mode=IdentityMode.METADATA, project="p"))
    many = [{"user": f"u{number}", "role": "viewer"} for number in range(500)]
    with pytest.raises(grants.TooManyError, match="5511 grants"):
        asks(*many, datasets=[{"id": f"d{number}", "role": "viewer"} for number in range(11)])


def test_who_asks_for_nothing_needs_no_warehouse() -> None:
    assert asks(datasets=[], identity=Identity()) == set()


def test_a_project_without_a_number_or_on_its_way_out_wants_nothing() -> None:
    body = project_body(warehouse={"datasets": [{"id": "sales", "role": "viewer"}]})
    assert wanted(ProjectSeen(Project.parse(body), None), {}, IDENTITY) == frozenset()
    body["metadata"]["deletionTimestamp"] = "2026-11-28T00:00:00Z"
    assert wanted(ProjectSeen(Project.parse(body), 20_005), {}, IDENTITY) == frozenset()


def test_a_project_made_again_under_an_old_name_is_somebody_else() -> None:
    body = project_body(warehouse={"datasets": [{"id": "sales", "role": "viewer"}]}, members=[])
    old, new = (wanted(ProjectSeen(Project.parse(body), number), {}, IDENTITY) for number in (20_005, 20_006))
    assert not old & new


def test_another_wish_or_another_spec_is_another_mark() -> None:
    one, two = Grant(X, "viewer", OWN), Grant(X, "viewer", person("ada"))
    marks = {grants.mark({one}, 1), grants.mark({one, two}, 1), grants.mark({one}, 2), grants.mark((), 1)}
    assert len(marks) == 4
    assert grants.mark([one, two], 1) == grants.mark([two, one], 1)


ADA, ALAN = Grant(X, "viewer", person("ada")), Grant(X, "editor", person("alan"))
ADA_ENTRY = {"role": "READER", "iamMember": ADA.principal}
ALAN_ENTRY = {"role": "WRITER", "iamMember": ALAN.principal}
BOSS = {"role": "OWNER", "userByEmail": "boss@example.org"}
EVERYBODY = {"role": "READER", "specialGroup": "projectReaders"}
VIEW = {"view": {"projectId": "p", "datasetId": "d", "tableId": "t"}}
OTHERS: list[dict[str, Any]] = [BOSS, EVERYBODY, VIEW]


@pytest.mark.parametrize(
    ("access", "wishes", "mine", "elsewhere", "result", "ours"),
    [
        # granted to a list of others, and taken back
        (OTHERS, {ADA}, set(), set(), [*OTHERS, ADA_ENTRY], {ADA}),
        ([*OTHERS, ADA_ENTRY], set(), {ADA}, set(), OTHERS, set()),
        # an interrupted grant: it stood in the status, and not yet in the list
        (OTHERS, {ADA}, {ADA}, set(), [*OTHERS, ADA_ENTRY], {ADA}),
        # an interrupted revocation: it has left the list, and not yet the status
        (OTHERS, set(), {ADA}, set(), OTHERS, set()),
        # what somebody else had granted is not ours, and stays
        ([ADA_ENTRY], {ADA}, set(), set(), [ADA_ENTRY], set()),
        ([ADA_ENTRY], set(), set(), set(), [ADA_ENTRY], set()),
        # two projects: it goes with the second
        ([ADA_ENTRY], {ADA}, set(), {ADA}, [ADA_ENTRY], {ADA}),
        ([ADA_ENTRY], set(), {ADA}, {ADA}, [ADA_ENTRY], set()),
        ([ADA_ENTRY], set(), {ADA}, set(), [], set()),
        # another role takes the place of the first
        ([ALAN_ENTRY], {Grant(X, "viewer", ALAN.principal)}, {ALAN}, set(), None, None),
        # what was taken out by hand comes back
        ([BOSS], {ADA, ALAN}, {ADA, ALAN}, set(), [BOSS, ALAN_ENTRY, ADA_ENTRY], {ADA, ALAN}),
        # wishes for another dataset don't concern this one
        ([BOSS], {Grant("p.other", "viewer", OWN)}, {Grant("p.other", "viewer", OWN)}, set(), [BOSS], set()),
    ],
)
def test_what_becomes_of_a_list(
    *,
    access: list[Any],
    wishes: set[Grant],
    mine: set[Grant],
    elsewhere: set[Grant],
    result: list[Any] | None,
    ours: set[Grant] | None,
) -> None:
    found = change(X, access, wishes, mine, elsewhere)
    if result is None:
        assert list(found.access) == [{"role": "READER", "iamMember": ALAN.principal}]
    else:
        assert list(found.access) == result
        assert found.ours == ours
    assert found.differs == (list(found.access) != access)


@pytest.mark.parametrize(
    "entry",
    [
        ADA_ENTRY | {"role": "roles/bigquery.dataViewer"},
        {"role": "READER", "userByEmail": "Ada@Example.org"},
        {"role": "READER", "iamMember": "user:ada@example.org"},
        {"role": "READER", "iamMember": "serviceAccount:ada@example.org"},
    ],
)
def test_one_entry_has_several_spellings(entry: dict[str, Any]) -> None:
    grant = ADA if "principal" in str(entry) else Grant(X, "viewer", "ada@example.org")
    assert not change(X, [entry], {grant}, {grant}, ()).differs
    assert change(X, [entry], (), {grant}, ()).access == ()


def test_an_entry_with_a_condition_is_another_one() -> None:
    entry = ADA_ENTRY | {"condition": {"expression": "request.time < timestamp('2027-01-01T00:00:00Z')"}}
    found = change(X, [entry], {ADA}, (), ())
    assert list(found.access) == [entry, ADA_ENTRY]
    assert list(change(X, found.access, (), found.ours, ()).access) == [entry]


def test_an_address_is_granted_as_one() -> None:
    found = change(X, [], {Grant(X, "editor", "n@p.iam.example")}, (), ())
    assert list(found.access) == [{"role": "WRITER", "userByEmail": "n@p.iam.example"}]


PEOPLE = st.sampled_from([person(name) for name in ("ada", "alan", "grace", "boss")])
GRANTS = st.sets(st.builds(Grant, st.just(X), st.sampled_from(["viewer", "editor"]), PEOPLE))
ENTRIES = st.lists(
    st.one_of(
        st.sampled_from(OTHERS),
        st.builds(
            lambda role, whom: {"role": role, "iamMember": whom},
            st.sampled_from(["READER", "WRITER", "OWNER"]),
            PEOPLE,
        ),
    ),
    unique_by=str,
)


def _as_grants(access: Any) -> set[Grant]:
    return {found for entry in access if (found := grants._grant(X, entry))}


@given(ENTRIES, GRANTS, GRANTS, GRANTS)
def test_properties_of_a_change(
    access: list[Any], wishes: set[Grant], mine: set[Grant], elsewhere: set[Grant]
) -> None:
    found = change(X, access, wishes, mine, elsewhere)
    theirs = [each for each in access if grants._grant(X, each) not in mine]
    assert [each for each in found.access if each in theirs] == theirs, "others' entries stay, in their order"
    assert wishes <= _as_grants(found.access)
    assert elsewhere & _as_grants(access) <= _as_grants(found.access)
    assert found.ours <= wishes
    again = change(X, found.access, wishes, found.ours, elsewhere)
    assert not again.differs
    assert again.ours == found.ours


@given(ENTRIES, GRANTS)
def test_taking_back_what_was_granted_leaves_the_list_as_it_was(
    access: list[Any], wishes: set[Grant]
) -> None:
    granted = change(X, access, wishes, (), ())
    assert list(change(X, granted.access, (), granted.ours, ()).access) == access


@given(ENTRIES, GRANTS, GRANTS, st.booleans())
def test_of_two_projects_the_last_takes_back_what_both_had(
    access: list[Any], one: set[Grant], two: set[Grant], first_goes_first: bool
) -> None:
    first = change(X, access, one, (), ())
    second = change(X, first.access, two, (), first.ours)
    leaving, staying = (first, second) if first_goes_first else (second, first)
    half = change(X, second.access, (), leaving.ours, staying.ours)
    assert (two if first_goes_first else one) <= _as_grants(half.access)
    assert list(change(X, half.access, (), staying.ours, ()).access) == access


def _notebook(owner: str, *groups: str, server: str = "", name: str = "") -> dict[str, Any]:
    spec = {"owner": owner, "server": server, "ownerGroups": list(groups)}
    return {"metadata": {"name": name or names.notebook(owner, server)}, "spec": spec}


def test_who_is_known_to_be_in_a_group() -> None:
    people = People()
    people.see("1", _notebook("ada", "analysts"))
    people.see("2", _notebook("ada", "analysts", "leads", server="second"))
    people.see("3", _notebook("eve", "analysts", name="ada"))  # bears another's name
    people.see("4", _notebook("project:risk", "leads"))
    assert people.of(["analysts", "leads", "none"]) == {"analysts": {"ada"}, "leads": {"ada"}, "none": set()}
    assert people.changed() == {"analysts", "leads"}
    assert people.changed() == set()
    people.see("1", _notebook("ada"))
    assert people.changed() == set()
    assert people.of(["analysts"]) == {"analysts": {"ada"}}
    people.forget("2")
    assert people.changed() == {"analysts", "leads"}
    assert people.of(["analysts", "leads"]) == {"analysts": set(), "leads": set()}
    people.forget("5")
    assert people.changed() == set()
