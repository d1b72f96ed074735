"""Who an access token speaks for, and who is an administrator."""

import pytest

from carrel_warehouse.stand_in import people
from carrel_warehouse.stand_in.people import Caller, ServiceAccount
from carrel_warehouse.stand_in.tokens import AccessTokens
from unit.warehouse.doubles import AUDIENCE

ADA = ServiceAccount("carrel", "user-ada")


def test_the_principal_is_the_exchanges_and_names_the_account() -> None:
    assert people.principal(AUDIENCE, ADA) == (
        "principal://warehouse.carrel.local/clusters/this/subject/system:serviceaccount:carrel:user-ada"
    )


def test_at_google_the_provider_is_no_part_of_the_principal() -> None:
    pool = "//iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/carrel"
    subject = "subject/system:serviceaccount:carrel:user-ada"
    assert people.principal(f"{pool}/providers/cluster", ADA) == f"principal:{pool}/{subject}"


@pytest.mark.parametrize("administrator", [False, True])
def test_a_token_keeps_who_it_is_for(administrator: bool) -> None:
    caller, tokens = Caller("ada@example.org", people.principal(AUDIENCE, ADA), administrator), AccessTokens()
    assert tokens.caller(tokens.issue(caller)) == caller
    assert AccessTokens().caller(tokens.issue(caller)) is None


@pytest.mark.parametrize("owner", ["eve@carrel-system.example.org", "eve@CARREL-projects.example.ORG"])
def test_no_person_has_an_address_that_is_not_a_persons(owner: str) -> None:
    assert people.address(ADA, owner, "example.org") is None
