"""A dataset's access list: who has which role by it. Pure.

https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets#Dataset: each entry has a role and one who has it; an
IAM role that has an old name is returned under that name.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

from carrel_warehouse.stand_in.people import Caller

Entry = Mapping[str, Any]
_BY_IAM = {
    "roles/bigquery.dataViewer": "READER",
    "roles/bigquery.dataEditor": "WRITER",
    "roles/bigquery.dataOwner": "OWNER",
}
EVERYBODY = "allAuthenticatedUsers"


class Role(IntEnum):
    """What a dataset's access list gives; each includes the ones before."""

    NONE = 0
    READER = 1
    WRITER = 2
    OWNER = 3


def role(entries: Iterable[Entry], caller: Caller) -> Role:
    """The highest role that somebody has."""
    if caller.administrator:
        return Role.OWNER
    names = [_old(each.get("role")) for each in entries if _is_for(each, caller)]
    return max((Role[name] for name in names if name in Role.__members__), default=Role.NONE)


def canonical(entries: Iterable[Entry]) -> list[Entry]:
    """The entries as they are returned."""
    return [{**each, "role": _old(each["role"])} if "role" in each else each for each in entries]


def with_owner(entries: Iterable[Entry], email: str) -> list[Entry]:
    """The entries and one that makes the creator an owner, unless it is there."""
    own = {"role": Role.OWNER.name, "userByEmail": email}
    kept = canonical(entries)
    return kept if own in kept else [*kept, own]


def _old(name: object) -> str:
    return _BY_IAM.get(str(name), str(name))


def _is_for(entry: Entry, caller: Caller) -> bool:
    member = str(entry.get("iamMember", ""))
    return (
        member in {caller.principal, EVERYBODY}
        or entry.get("specialGroup") == EVERYBODY
        or caller.email.lower() in _addresses(entry, member)
    )


def _addresses(entry: Entry, member: str) -> set[str]:
    kind, _, address = member.partition(":")
    found = {str(entry.get("userByEmail", ""))} | ({address} if kind in {"user", "serviceAccount"} else set())
    return {each.lower() for each in found}
