"""What is seen of the cluster."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose pod an address is: its Notebook, its person, the project whose own server it is, and the person's groups."""

    notebook: str
    person: str
    project: str
    uid: str
    groups: frozenset[str]
