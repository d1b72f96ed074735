"""What somebody is told who waits for a server."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from carrel_hub import pages
from carrel_operator.api import Notebook, Phase

_PERCENT = {Phase.PENDING: 20, Phase.STARTING: 50, Phase.RUNNING: 80}


async def told(changes: AsyncGenerator[Notebook | None]) -> AsyncGenerator[dict[str, Any]]:
    """The operator's sentences as they change, as JupyterHub's events; how far it is never goes back."""
    furthest, last = 0, ""
    async with aclosing(changes):
        async for notebook in changes:
            if notebook is None or not notebook.running:
                continue
            status = notebook.status
            if status.observed_generation < notebook.metadata.generation or status.message == last:
                continue
            last = status.message
            furthest = max(furthest, _PERCENT.get(status.phase or Phase.PENDING, furthest))
            yield {"progress": furthest, "message": pages.sentence(status)}
