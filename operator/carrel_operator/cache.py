"""The newest version of every object that was seen, by watching it or by writing it ourselves.

Watches tell late: an object that was just written is known from the answer to the write, and the watch's echo of
it is recognised by its version. Versions only grow (they are comparable numbers since Kubernetes 1.35), so an
older one never replaces a newer one, in whatever order they arrive.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from carrel_operator.accounts import Accounts
from carrel_operator.api import Body, InstanceType, InvalidObjectError, NotebookImage
from carrel_operator.catalogue import Catalogue
from carrel_operator.index import Index
from carrel_operator.places import Place

_REMEMBERED_DELETIONS = 1000

_Option = TypeVar("_Option", InstanceType, NotebookImage)


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as it is kept."""

    body: Body
    version: int
    ours: bool  # known from the answer to a write of our own
    since: float  # when this uid was first seen, on a clock that never jumps …
    changed: float  # … and when this version was


class Cache:
    """Every object of the watched kinds, kept by place."""

    def __init__(self) -> None:
        self._entries: dict[Place, Entry] = {}
        self._deleted: dict[Place, int] = {}
        self._heard: set[Place] = set()
        self._catalogue: Catalogue | None = None
        self.index = Index()
        self.accounts = Accounts()  # as far as the registry has read or given them

    def see(self, body: Body, *, ours: bool = False) -> None:
        """Take in a version of an object, unless a newer one, or its end, is known."""
        place, version = Place.of(body), _version(body)
        known = self._entries.get(place)
        if version <= (known.version if known else self._deleted.get(place, 0)):
            return
        same = known is not None and known.body["metadata"]["uid"] == body["metadata"]["uid"]
        now = time.monotonic()
        since = known.since if known and same else now
        self._entries[place] = Entry(_slim(body), version, ours, since, now)
        self._deleted.pop(place, None)
        self.index.add(place, body)
        self._outdate_catalogue(place)

    def forget(self, body: Body) -> None:
        """Take in the end of an object, unless a newer one of the same name is known."""
        place, version = Place.of(body), _version(body)
        known = self._entries.get(place)
        if known and known.version > version:
            return
        self._entries.pop(place, None)
        self._heard.discard(place)
        self._deleted[place] = version
        while len(self._deleted) > _REMEMBERED_DELETIONS:
            del self._deleted[next(iter(self._deleted))]
        self.index.discard(place)
        self._outdate_catalogue(place)

    def heard_before(self, body: Body) -> bool:
        """Whether the watch has told of an object in this place before; from now on it has."""
        place = Place.of(body)
        before = place in self._heard
        self._heard.add(place)
        return before

    def missing_from(self, kind: str, names_listed: Collection[str], version: int) -> list[Body]:
        """The objects of a kind that are kept here but were not in a list of that version: their end was missed."""
        return [
            entry.body
            for place, entry in self.of_kind(kind)
            if place.name not in names_listed and entry.version <= version
        ]

    def is_echo(self, body: Body) -> bool:
        """Whether the watch tells only what the answer to our own write told before."""
        known = self._entries.get(Place.of(body))
        return known is not None and known.ours and known.version == _version(body)

    def body(self, kind: str, namespace: str, name: str) -> Body | None:
        """The newest version of one object."""
        entry = self.entry(kind, namespace, name)
        return entry.body if entry else None

    def entry(self, kind: str, namespace: str, name: str) -> Entry | None:
        """The same, and since when it is known."""
        return self._entries.get(Place(kind, namespace, name))

    def at(self, place: Place) -> Entry:
        """What is kept in a place that the index names."""
        return self._entries[place]

    def of_kind(self, kind: str) -> Iterator[tuple[Place, Entry]]:
        """All objects of a kind; looks through those of every kind."""
        yield from (found for found in self._entries.items() if found[0].kind == kind)

    def catalogue(self) -> Catalogue:
        """The instance types and images, without those that can't be read."""
        if self._catalogue is None:
            self._catalogue = Catalogue(
                instance_types={each.name: each for each in self._readable("InstanceType", InstanceType)},
                images={each.name: each for each in self._readable("NotebookImage", NotebookImage)},
            )
        return self._catalogue

    def _readable(self, kind: str, parser: type[_Option]) -> Iterator[_Option]:
        for _, entry in self.of_kind(kind):
            try:
                yield parser.parse(entry.body)
            except InvalidObjectError:
                continue

    def _outdate_catalogue(self, place: Place) -> None:
        if place.kind in {"InstanceType", "NotebookImage"}:
            self._catalogue = None


def _version(body: Body) -> int:
    return int(body["metadata"]["resourceVersion"])


def _slim(body: Body) -> Body:
    """The object without the record of who set which field: a third of its size, and never asked for."""
    metadata: Mapping[str, Any] = {
        key: value for key, value in body["metadata"].items() if key != "managedFields"
    }
    return {**body, "metadata": metadata}
