"""When a document is written: soon after a change, again and again while changes go on, and until it succeeds.

jupyter-collaboration waits for a pause before it writes, which a cell that prints twice a second never makes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

# A notebook of a hundred megabytes is written less often, but often enough that a server's death costs seconds.
_LONGEST_PAUSE = 10.0
_LONGEST_WAIT_FOR_ROOM = 60.0


class Saver:
    """Writes one document. ``write`` answers whether it succeeded, and never raises."""

    def __init__(self, write: Callable[[], Awaitable[bool]], delay: float) -> None:
        self._write, self._delay = write, delay
        self._unsaved = self._closed = False
        self._failed = 0
        self._took = 0.0
        self._task: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    @property
    def unsaved(self) -> bool:
        """Whether something was changed since the last write began."""
        return self._unsaved

    def changed(self) -> None:
        """The document is not what is on the disk."""
        if self._closed:
            return
        self._unsaved = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._until_saved())

    def settled(self) -> None:
        """The document is what is on the disk, because it came from there."""
        self._unsaved = False

    async def save(self) -> bool:
        """Write it now; false when that failed, and it is tried again later."""
        async with self._writing:
            self._unsaved = False
            began = time.monotonic()
            done = await self._write()
            self._took = time.monotonic() - began
            self._failed = 0 if done else self._failed + 1
        if not done:
            self.changed()
        return done

    async def close(self) -> None:
        """Write what is unsaved, once, and never again."""
        if self._unsaved:
            await self.save()
        self._closed = True
        if self._task is not None:
            self._task.cancel()

    def wait(self) -> float:
        """Seconds until the next write: longer for what is slow to write, and after each failure."""
        usual = max(self._delay, min(self._took, _LONGEST_PAUSE))
        return min(usual * 2.0**self._failed, _LONGEST_WAIT_FOR_ROOM)

    async def _until_saved(self) -> None:
        while self._unsaved:
            await asyncio.sleep(self.wait())
            if self._unsaved:
                await self.save()
