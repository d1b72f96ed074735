"""Says in a cell where it was cut off."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

# Where jupyter-server-nbmodel notes in a cell which run of it lasts; it takes the note away at the cell's end.
MARK = "jupyter_server_nbmodel"


def sentence(at: datetime, whose: str) -> str:
    """For the person; ``whose`` is the server or the kernel."""
    return (
        f"This cell was cut off at {at:%H:%M} UTC when {whose} ended; what it had printed until then is above. "
        "Run it again to finish.\n"
    )


def output(at: datetime, whose: str) -> dict[str, Any]:
    """The same as an output of the cell."""
    return {"output_type": "stream", "name": "stderr", "text": sentence(at, whose)}


def mark(notebook: Any, requests: Iterable[str], at: datetime) -> bool:  # noqa: ANN401 - any JSON
    """Say so in the cells of ``notebook`` whose unfinished runs are among ``requests``; whether there were any.

    A cell that was run again since bears the name of another run, or none, and is left alone.
    """
    wanted, found = frozenset(requests), False
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    for cell in cells if isinstance(cells, list) else ():
        metadata = cell.get("metadata") if isinstance(cell, dict) else None
        if not isinstance(metadata, dict):
            continue
        note = metadata.get(MARK)
        request = note.get("requestId") if isinstance(note, dict) else None
        if isinstance(request, str) and request in wanted and isinstance(cell.get("outputs"), list):
            del metadata[MARK]
            cell["outputs"].append(output(at, "the server"))
            found = True
    return found
