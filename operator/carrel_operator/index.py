"""Which objects belong together, so that nobody has to look through all of them."""

from collections.abc import Collection

from carrel_operator import names
from carrel_operator.api import Body
from carrel_operator.people import People
from carrel_operator.places import Place


class Index:
    """Kept in step with the cache, object by object."""

    def __init__(self) -> None:
        self.projects: set[Place] = set()
        self.restores: set[Place] = set()
        self.people = People()
        self._of_user: dict[tuple[str, str], set[str]] = {}
        self._snapshots: dict[tuple[str, str], set[Place]] = {}  # by namespace and repository

    def notebooks_of(self, namespace: str, user: str) -> Collection[str]:
        """The names of a person's Notebooks; the person is told by the value of the label ``user``."""
        return self._of_user.get((namespace, user), ())

    def snapshots_of(self, namespace: str, repository: str) -> Collection[Place]:
        """The snapshots of a volume, told by where its backups are, whoever made them."""
        return self._snapshots.get((namespace, repository), ())

    def add(self, place: Place, body: Body) -> None:
        """Take in a version of an object."""
        if place.kind == "Notebook":
            user = names.user_label(body.get("spec", {}).get("owner", ""))
            self._of_user.setdefault((place.namespace, user), set()).add(place.name)
            self.people.see(place, body)
        elif place.kind == "Project":
            self.projects.add(place)
        elif place.kind == "VolumeRestore":
            self.restores.add(place)
        elif place.kind == "VolumeSnapshot":
            self._snapshots.setdefault(_backups_of(place), set()).add(place)

    def discard(self, place: Place) -> None:
        """Take in the end of an object."""
        if place.kind == "Notebook":
            for user, notebooks in list(self._of_user.items()):
                notebooks.discard(place.name)
                if not notebooks:
                    del self._of_user[user]
            self.people.forget(place)
        elif place.kind == "Project":
            self.projects.discard(place)
        elif place.kind == "VolumeRestore":
            self.restores.discard(place)
        elif place.kind == "VolumeSnapshot":
            repository = _backups_of(place)
            if left := self._snapshots.pop(repository, set()) - {place}:
                self._snapshots[repository] = left


def _backups_of(place: Place) -> tuple[str, str]:
    return place.namespace, names.repository_of(place.name)
