"""Who may use which dataset for a project's sake, and what that makes of a dataset's access list.

An entry of the list is ours only if it stands in some project's status. Every other one was there before or was made
by somebody else, also where it says the same, and stays.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from carrel_operator import names, principal
from carrel_operator.api import Body, Dataset, DatasetRole, Grant, Project, Role
from carrel_operator.project_seen import ProjectSeen
from carrel_operator.settings import Identity, IdentityMode

MOST = 5000  # that the CRD's schema lets a status hold

_ROLES = {
    DatasetRole.VIEWER: ("READER", "roles/bigquery.dataViewer"),
    DatasetRole.EDITOR: ("WRITER", "roles/bigquery.dataEditor"),
}
_ROLE_OF = {name: role for role, known in _ROLES.items() for name in known}
_RANK = list(DatasetRole)
_ACCOUNT_PREFIXES = ("user:", "serviceAccount:")


class WishError(ValueError):
    """What a project wants can't be put into an access list; the text is one sentence with the way out."""


class NoWarehouseError(WishError):
    """There is no warehouse."""


class UnknownPrincipalsError(WishError):
    """It isn't known how the warehouse names people."""


class TooManyError(WishError):
    """More than one project may have."""


def wanted(seen: ProjectSeen, people: Mapping[str, Collection[str]], identity: Identity) -> frozenset[Grant]:
    """All that the project's own server and its members should have; ``people`` are those known to be in each group.

    Nothing for a project that is being deleted, or has no number yet and therefore no principal.

    Raises:
        WishError: it can't be had whatever the warehouse says.
    """
    project = seen.project
    if project.metadata.deleting or seen.number is None or not project.warehouse.datasets:
        return frozenset()
    if identity.mode is IdentityMode.NONE:
        raise NoWarehouseError("The platform has no warehouse; set warehouse.mode in its values.")
    own = principal.of_project(project.name, seen.number).service_account
    members = {
        principal.of_person(person).service_account: role
        for person, role in _members(project, people).items()
    }
    best: dict[tuple[str, str], DatasetRole] = {}
    for dataset in project.warehouse.datasets:
        name = full_name(dataset, project, identity)
        for account, role in ({own: Role.EDITOR} | members).items():
            whom = _whom(identity.principal_of(project.metadata.namespace, account))
            granted = dataset.role if role.writes else DatasetRole.VIEWER
            best[name, whom] = max(granted, best.get((name, whom), granted), key=_RANK.index)
    if len(best) > MOST:
        raise TooManyError(
            f"The project asks for {len(best)} grants, datasets times members, and may have {MOST}; "
            "take out datasets, or grant them to everybody in the warehouse itself."
        )
    return frozenset(Grant(name, role.value, whom) for (name, whom), role in best.items())


def full_name(dataset: Dataset, project: Project, identity: Identity) -> str:
    """The dataset as project.dataset."""
    return f"{dataset.project or project.warehouse.billing_project or identity.project}.{dataset.name}"


def mark(wishes: Iterable[Grant], generation: int) -> str:
    """A short text that is another one when the wishes or the spec that they come from are others."""
    text = "\n".join(f"{each.dataset} {each.role} {each.principal}" for each in sorted(wishes))
    return hashlib.sha256(f"{generation}\n{text}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Change:
    """What an access list should become."""

    access: tuple[Body, ...]
    differs: bool  # from what it is
    ours: frozenset[Grant]  # what this project answers for once the list is so


def change(
    dataset: str,
    access: Sequence[Body],
    wishes: Collection[Grant],
    mine: Collection[Grant],
    elsewhere: Collection[Grant],
) -> Change:
    """The list with this project's wishes for the dataset, and without what it has written and wants no more.

    ``mine`` is what this project has written, ``elsewhere`` what all others have: an entry that two projects have
    goes with the second. Entries of other people are in the result as they are, in their order.
    """
    there = {found for found in (_grant(dataset, entry) for entry in access) if found}
    wishes = {each for each in wishes if each.dataset == dataset}
    missing = sorted(wishes - there)
    leaving = {each for each in mine if each not in wishes and each not in elsewhere} & there
    kept = [entry for entry in access if _grant(dataset, entry) not in leaving]
    return Change(
        access=(*kept, *map(_entry, missing)),
        differs=bool(missing or leaving),
        ours=frozenset(each for each in wishes if each not in there or each in mine or each in elsewhere),
    )


def _members(project: Project, people: Mapping[str, Collection[str]]) -> dict[str, Role]:
    """Every person who belongs to it, with the most that they may do."""
    found: dict[str, Role] = {}
    for member in project.members:
        for person in (member.user,) if member.user else people.get(member.group, ()):
            if not person.startswith(names.TEAM):
                found[person] = max(member.role, found.get(person, member.role), key=lambda role: role.rank)
    return found


def _whom(name: str) -> str:
    if name.startswith("principal"):
        return name
    if "@" in name:
        return name.lower()
    raise UnknownPrincipalsError(
        f"'{name}' is no principal that a dataset can be granted to; set warehouse.google.principal, "
        "as docs/gke.md says."
    )


def _entry(grant: Grant) -> Body:
    key = "iamMember" if grant.principal.startswith("principal") else "userByEmail"
    return {"role": _ROLES[DatasetRole(grant.role)][0], key: grant.principal}


def _grant(dataset: str, entry: Body) -> Grant | None:
    """The grant that an entry is; None for one that we would never write, such as one with a condition."""
    role = _ROLE_OF.get(str(entry.get("role", "")))
    whom = next(_named(entry), "")
    return Grant(dataset, role.value, whom) if role and whom and "condition" not in entry else None


def _named(entry: Body) -> Iterator[str]:
    if email := entry.get("userByEmail"):
        yield str(email).lower()
    member = str(entry.get("iamMember", ""))
    for prefix in _ACCOUNT_PREFIXES:
        if member.startswith(prefix):
            yield member.removeprefix(prefix).lower()
    if member.startswith("principal"):
        yield member
