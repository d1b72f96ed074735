"""The numbers by which file systems know people and projects: given once, never reused, and shown as names.

One counter serves both, so no person's number is ever a project's. Everybody's primary group is that of the image
(``VOLUME_GROUP``); a project's number is a supplemental group of its members and the group of its files.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from carrel_operator import names

# Above what distributions give to system accounts, below the 65,536 that a user namespace usually maps.
FIRST = 20_000
LAST = 60_000
# The group of images/notebook, which kubelets also give to the root of every volume that they can.
VOLUME_GROUP = 1000

ACCOUNTS = "accounts"  # the ConfigMap
_NUMBERS = "numbers.json"


class AccountsError(ValueError):
    """The registry can't be read, or has no number left."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Everybody who ever had a number: people by their slug, projects by name and then by the object's uid.

    A project that is made anew under an old name is another one, and gets another number.
    """

    people: Mapping[str, int] = field(default_factory=dict)
    projects: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: Mapping[str, str]) -> Self:
        """Read the registry; AccountsError when somebody's hand has spoilt it."""
        try:
            kept = json.loads(data.get(_NUMBERS, "{}"))
            people = {str(name): int(number) for name, number in kept.get("people", {}).items()}
            projects = {
                str(name): {str(uid): int(number) for uid, number in by_uid.items()}
                for name, by_uid in kept.get("projects", {}).items()
            }
        except (ValueError, AttributeError, TypeError) as error:
            message = (
                f"the ConfigMap's {_NUMBERS} is not what Carrel wrote ({error}); restore it from a backup"
            )
            raise AccountsError(message) from error
        return cls(people, projects)

    def data(self) -> dict[str, str]:
        """The registry as it is kept, and as ``passwd`` and ``group`` files say it."""
        kept = {"people": self.people, "projects": self.projects}
        return {_NUMBERS: json.dumps(kept), "passwd": self._passwd(), "group": self._group()}

    def with_person(self, name: str) -> Self:
        """The same and that person."""
        return self if name in self.people else replace(self, people={**self.people, name: self._next()})

    def with_project(self, name: str, uid: str, number: int | None = None) -> Self:
        """The same and that project; with ``number`` when it takes over the files of the one that had it."""
        known = self.projects.get(name, {})
        if uid in known and number in {None, known[uid]}:
            return self
        given = self._next() if number is None else number
        return replace(self, projects={**self.projects, name: {**known, uid: given}})

    def project(self, name: str, uid: str) -> int | None:
        """The number of a project, once it has one."""
        return self.projects.get(name, {}).get(uid)

    def names(self) -> dict[int, str]:
        """Whoever may own files, by their number: people, and projects by their own servers."""
        teams = {number: names.project_login(name) for number, name in self._named().items()}
        return {number: name for name, number in self.people.items()} | teams

    def _next(self) -> int:
        projects = (number for by_uid in self.projects.values() for number in by_uid.values())
        found = max((*self.people.values(), *projects), default=FIRST - 1) + 1
        if found > LAST:
            message = f"all numbers from {FIRST} to {LAST} are given"
            raise AccountsError(message)
        return found

    def _passwd(self) -> str:
        return "".join(
            f"{name}:x:{number}:{VOLUME_GROUP}::/home/{name}:/bin/bash\n"
            for number, name in sorted(self.names().items())
        )

    def _group(self) -> str:
        return "".join(f"{name}:x:{number}:\n" for number, name in self._named().items())

    def _named(self) -> dict[int, str]:
        """The newest project of a name bears it; files of one before it show its number too."""
        found: dict[int, str] = {}
        for name, by_uid in sorted(self.projects.items()):
            *former, newest = by_uid.values()
            found |= {number: f"{name}-{number}" for number in former} | {newest: name}
        return found
