"""The id of a cell comes with the request that runs it, as it does from JupyterLab; jupyter-server-nbmodel leaves it out.

So code in the kernel knows its cell: the labels and ids of its queries name it (carrel_lab/queries).
"""

from collections.abc import Awaitable, Callable
from typing import Any


def told(execute: Callable[..., Awaitable[dict[str, Any]]]) -> Callable[..., Awaitable[dict[str, Any]]]:
    """The library's own function, with the id in each message that it sends meanwhile."""

    async def execute_with_id(
        client: Any,  # noqa: ANN401 - jupyter_client's, which publishes no types here
        ydoc: Any,  # noqa: ANN401
        snippet: str,
        metadata: dict[str, Any] | None,
        *more: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        # Each kernel has one worker, so no other cell of this client runs at the same time.
        client.session.metadata = {"cellId": (metadata or {}).get("cell_id") or ""}
        try:
            return await execute(client, ydoc, snippet, metadata, *more)
        finally:
            client.session.metadata = {}

    return execute_with_id
