"""What a document's editors need to go on where they were, once nobody had it open for a minute.

The ready-made store writes each key that is pressed into a database in the home, for ever. Only the state of a document
that leaves the server's memory is ever read, so only that is kept, in the pod's own /tmp. It goes with the pod; the
file is the truth then, and a tab that is still open is asked to load it again.
"""

import hashlib
from collections.abc import AsyncIterator
from logging import Logger
from typing import TYPE_CHECKING, Any

from pycrdt.store import BaseYStore, YDocNotFound

from carrel_lab.guard.kernel import folder

if TYPE_CHECKING:
    from pycrdt import Doc


class History(BaseYStore):  # type: ignore[misc]  # pycrdt publishes no types here
    """One document's; named by /opt/venv/etc/jupyter."""

    def __init__(
        self,
        path: str,
        metadata_callback: Any = None,  # noqa: ANN401 - as the base class has it
        log: Logger | None = None,
        config: object = None,  # noqa: ARG002 - given by YDocExtension
    ) -> None:
        self.path, self.metadata_callback, self.log = path, metadata_callback, log
        self._file = folder() / "documents" / hashlib.sha256(path.encode()).hexdigest()

    async def write(self, data: bytes) -> None:
        """Every change comes by here; none is kept."""

    async def read(self) -> AsyncIterator[tuple[bytes, bytes, float]]:
        """The state that was kept last.

        Raises:
            YDocNotFound: there is none.
        """
        try:
            state = self._file.read_bytes()
        except OSError as error:
            raise YDocNotFound from error
        yield state, b"", 0.0

    def keep(self, document: "Doc[Any]") -> None:
        """Keep the state of a document that leaves the memory.

        Raises:
            OSError: there is no room for it.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_bytes(document.get_update())
        fresh.replace(self._file)


def forget() -> None:
    """Remove what another process of this pod kept: no tab that is open now was ever of it."""
    for file in (folder() / "documents").glob("*"):
        file.unlink(missing_ok=True)
