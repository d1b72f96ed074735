"""A cluster as a test wants it seen."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from carrel_operator.api import InstanceType, Notebook, Project, Share
from carrel_warehouse.cluster_view import Caller, Pod

SMALL = InstanceType("small", Share("1", "1"), Share("1Gi", "1Gi"), price_per_hour=0.5)
LARGE = InstanceType("large", Share("4", "4"), Share("8Gi", "8Gi"), price_per_hour=2.0)


@dataclass
class ViewDouble:
    known: list[Pod] = field(default_factory=list)
    notebooks: dict[str, Notebook] = field(default_factory=dict)
    teams: list[Project] = field(default_factory=list)
    sizes: dict[str, InstanceType] = field(default_factory=lambda: {"small": SMALL, "large": LARGE})
    changed: asyncio.Event | None = None
    fresh: bool = True
    caller_is: Caller | None = None

    def caller(self, _address: str) -> Caller | None:
        return self.caller_is

    def pods(self) -> list[Pod]:
        return self.known

    def notebook(self, name: str) -> Notebook | None:
        return self.notebooks.get(name)

    def instance_type(self, name: str) -> InstanceType | None:
        return self.sizes.get(name)

    def projects(self) -> list[Project]:
        return self.teams

    @contextmanager
    def heard(self, changed: asyncio.Event) -> Iterator[None]:
        self.changed = changed
        yield
