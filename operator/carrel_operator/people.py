"""Who is known to be in which group: what the Notebooks say of their owners."""

from collections.abc import Hashable, Iterable

from carrel_operator import names
from carrel_operator.api import Body


class People:
    """Kept in step Notebook by Notebook, so nobody has to look through all of them."""

    def __init__(self) -> None:
        self._said: dict[Hashable, tuple[str, frozenset[str]]] = {}
        self._notebooks: dict[tuple[str, str], set[Hashable]] = {}  # by group and person
        self._of_group: dict[str, set[str]] = {}
        self._changed: set[str] = set()

    def see(self, place: Hashable, body: Body) -> None:
        """Take in what a Notebook says, if it bears its owner's name; a project's own server says nothing."""
        spec = body.get("spec", {})
        owner = str(spec.get("owner", ""))
        right = names.notebook(owner, spec.get("server", ""))
        trusted = body["metadata"]["name"] == right and not owner.startswith(names.TEAM)
        self._say(place, owner, frozenset(map(str, spec.get("ownerGroups", ()))) if trusted else frozenset())

    def forget(self, place: Hashable) -> None:
        """Take in the end of a Notebook."""
        self._say(place, "", frozenset())

    def of(self, groups: Iterable[str]) -> dict[str, frozenset[str]]:
        """The people of each of these groups."""
        return {group: frozenset(self._of_group.get(group, ())) for group in groups}

    def changed(self) -> frozenset[str]:
        """The groups that have gained or lost somebody since this was last asked."""
        found = frozenset(self._changed)
        self._changed.clear()
        return found

    def _say(self, place: Hashable, owner: str, groups: frozenset[str]) -> None:
        before, had = self._said.get(place, ("", frozenset()))
        same = groups & had if owner == before else frozenset()
        for group in had - same:
            self._leave(place, group, before)
        for group in groups - same:
            self._join(place, group, owner)
        if groups:
            self._said[place] = (owner, groups)
        else:
            self._said.pop(place, None)

    def _join(self, place: Hashable, group: str, person: str) -> None:
        self._notebooks.setdefault((group, person), set()).add(place)
        people = self._of_group.setdefault(group, set())
        if person not in people:
            people.add(person)
            self._changed.add(group)

    def _leave(self, place: Hashable, group: str, person: str) -> None:
        left = self._notebooks[group, person]
        left.discard(place)
        if not left:
            del self._notebooks[group, person]
            self._of_group[group].discard(person)
            self._changed.add(group)
