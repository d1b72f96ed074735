"""Stopping servers that nobody asked to stop: JupyterHub does it only for a request."""

import asyncio
from typing import Any


async def stop_all(app: Any, user: Any) -> None:  # noqa: ANN401 - JupyterHub publishes no types
    """Stop all servers of a hub user, and take them out of the proxy; what is just starting or stopping ends first."""
    for spawner in list(user.spawners.values()):
        # where JupyterHub has them; the second only from the first stop on
        pending = spawner._spawn_future or getattr(spawner, "_stop_future", None)  # noqa: SLF001
        if pending:
            await asyncio.wait([pending])
        if spawner.active:
            await app.proxy.delete_user(user, spawner.name)
            await user.stop(spawner.name)
