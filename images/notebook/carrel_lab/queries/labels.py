"""The labels by which a job is found again: which cell of which notebook began it.

BigQuery takes [a-z0-9_-], at most 63 characters, and at most 64 labels on a job.
"""

import hashlib
import re
from collections.abc import Mapping

CELL = "carrel_cell"
DOCUMENT = "carrel_document"

_LONGEST, _KEPT = 63, 54
_MOST = 64
_THE_GATEWAYS = 3  # person, project, notebook


def value(text: str, *, of_a_path: bool = False) -> str:
    """Any text as a label's value, no two the same; of a path that is too long the end is kept, which tells more."""
    plain = re.sub("[^a-z0-9_-]", "-", text.lower())
    if plain == text and len(text) <= _LONGEST:
        return text
    kept = plain[-_KEPT:] if of_a_path else plain[:_KEPT]
    return f"{kept}-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:8]}"


def document(path: str) -> str:
    """The value that names a notebook by its path from the home."""
    return value(path, of_a_path=True)


def of(cell: str, path: str) -> dict[str, str]:
    """The labels of what is begun there; an empty name gives none."""
    found = {CELL: cell and value(cell), DOCUMENT: path and document(path)}
    return {name: text for name, text in found.items() if text}


def job_id_prefix(cell: str) -> str:
    """What a job's id begins with; BigQuery's client puts a random end to it, another one for each try."""
    return f"carrel_{value(cell)}_" if cell else "carrel_"


def merged(theirs: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """A person's own labels stay, and where there would be too many they are all there is."""
    together = {**ours, **theirs}
    return together if len(together) + _THE_GATEWAYS <= _MOST else dict(theirs)
