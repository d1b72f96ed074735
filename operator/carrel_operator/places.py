"""Where an object is, and by what name its work is asked for."""

from dataclasses import dataclass

from carrel_operator.api import Body


@dataclass(frozen=True, slots=True)
class Key:
    """What is reconciled, by name: a Notebook, a Project, a claim or a VolumeRestore."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is, whatever its uid."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, body: Body) -> "Place":
        """The place of an object."""
        metadata = body["metadata"]
        return cls(body["kind"], metadata.get("namespace", ""), metadata["name"])
