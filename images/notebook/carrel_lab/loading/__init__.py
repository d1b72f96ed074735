"""A person's own file becomes a table of the warehouse: the inside of ``carrel warehouse load``.

It is one load job under the person's own identity, and a load job is all or nothing.
"""

import os
from collections.abc import Callable
from pathlib import Path

from carrel_lab import own


def load(file: str, wanted: str, how: str, say: Callable[[str], None]) -> str | None:
    """Load ``file`` into the table ``wanted``; the result is a sentence if it was not loaded.

    ``how`` is "replace", "append", or empty for a table that is not there yet.
    """
    from carrel_lab.loading import names, sources, warehouse  # noqa: PLC0415 Google's client takes seconds to import
    from carrel_lab.loading.refusal import RefusalError  # noqa: PLC0415

    path = Path(file)
    mine = own.dataset(os.environ)
    try:
        target = names.target(wanted, path.name, mine)
        source = sources.source(path)
        warehouse.Warehouse(mine, say).load(source, target, how)
    except RefusalError as refusal:
        return str(refusal)
    return None
