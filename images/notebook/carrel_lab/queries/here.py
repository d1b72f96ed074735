"""Where code runs just now: in which cell of which notebook."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from carrel_lab.queries import labels


@dataclass(frozen=True, slots=True)
class Place:
    """A cell's id, and its notebook's path from the home; empty where it is neither."""

    cell: str
    document: str

    @property
    def labels(self) -> dict[str, str]:
        """Of a job that is begun here."""
        return labels.of(self.cell, self.document)


def place() -> Place:
    """Where the cell is that runs now."""
    return Place(_cell(), document(os.environ.get("JPY_SESSION_NAME", ""), Path.home()))


def document(session: str, home: Path) -> str:
    """A notebook's path, from the name that the Jupyter server gives to its session."""
    path = Path(session.removeprefix("RTC:")) if session else None
    if path is None:
        return ""
    return str(path.relative_to(home) if path.is_relative_to(home) else path)


def _cell() -> str:
    """JupyterLab puts the id into the request that runs a cell, and so does our server (durable/cell_ids.py)."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    ask = getattr(shell, "get_parent", None)
    found = (((ask() if ask else None) or {}).get("metadata") or {}).get("cellId")
    return found if isinstance(found, str) else ""
