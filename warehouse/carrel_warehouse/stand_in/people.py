"""Whom an access token speaks for: an address, as job lists show it, and a principal, as Google's direct federation
names one. Pure.

https://cloud.google.com/iam/docs/principal-identifiers: `principal://…/subject/…` is one identity of a provider.
"""

from dataclasses import dataclass

TEAM = "project:"  # how the owner of a project's own account begins, and no person's name
SYSTEM = ("operator", "auditor")  # accounts of the release itself, which belong to nobody
_SUBJECT = "system:serviceaccount:{namespace}:{name}"


@dataclass(frozen=True)
class ServiceAccount:
    """Whom a subject token speaks for."""

    namespace: str
    name: str


@dataclass(frozen=True)
class Caller:
    """Who calls; an administrator may do everything."""

    email: str
    principal: str
    administrator: bool = False


def principal(audience: str, account: ServiceAccount) -> str:
    """The principal of an account; `audience` names the exchange, `//host/path`, and its provider is no part of it."""
    pool = audience.partition("/providers/")[0]
    return f"principal:{pool}/subject/" + _SUBJECT.format(namespace=account.namespace, name=account.name)


def system_address(name: str, domain: str) -> str:
    """The address of one of the release's own accounts."""
    return f"{name}@carrel-system.{domain}"


def address(account: ServiceAccount, owner: str, domain: str) -> str | None:
    """The address of whoever owns that account; None for a person who goes by an address that is not a person's.

    A project's has its account's name, in which a number stands: made again under an old name it is another.
    """
    if owner.startswith(TEAM):
        return f"{account.name}@carrel-projects.{domain}"
    if "@" not in owner:
        return f"{owner}@{domain}"
    taken = {f"carrel-system.{domain}", f"carrel-projects.{domain}"}
    return None if owner.rpartition("@")[2].lower() in {each.lower() for each in taken} else owner
