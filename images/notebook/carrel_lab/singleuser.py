"""JupyterHub's single-user server, imported without the hub's database migrations.

`jupyterhub.services.auth` reaches `jupyterhub.orm`, which imports Alembic to migrate the hub's database. A server has
none; but Alembic and the SQL dialects it brings are a fifth of the CPU time and 10 MB of a server's start. So while
JupyterHub is being imported, empty modules stand in Alembic's place. The image's build imports this once, so a release
that needs more of Alembic fails there and not at somebody's start.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

UNUSED = ("alembic", "alembic.command", "alembic.config", "alembic.script")


class Empty(ModuleType):
    """A module from which any name can be imported; each is None."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


@contextmanager
def left_out(names: tuple[str, ...]) -> Iterator[None]:
    """Empty modules of those names for as long as the block lasts."""
    sys.modules.update({name: Empty(name) for name in names})
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


def imported() -> Any:  # noqa: ANN401 - JupyterHub publishes no types
    """The single-user server's application class."""
    with left_out(UNUSED):
        from jupyterhub.singleuser.extension import JupyterHubSingleUser  # noqa: PLC0415 in the block is the point
    return JupyterHubSingleUser


def hold_back(app: Any, wait: Callable[[], None]) -> None:  # noqa: ANN401
    """Have the application's server call ``wait`` when all of it is loaded and it is about to listen."""

    class ServerApp(app.serverapp_class):  # type: ignore[misc]
        def init_httpserver(self) -> None:
            wait()
            super().init_httpserver()

    app.serverapp_class = ServerApp
