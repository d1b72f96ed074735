"""Which writes have gone through or are under way: a weight is good until the next one."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager


class Writes:
    """Counts them. `is_running` tells of a job whether it still is."""

    def __init__(self, is_running: Callable[[str, str], Awaitable[bool]]) -> None:
        self.count = 0
        self._is_running = is_running
        self._passing = 0
        self._jobs: set[tuple[str, str]] = set()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """A write that is over when the block is."""
        self._passing += 1
        try:
            yield
        finally:
            self._passing -= 1
            self.count += 1

    def begun(self, project: str, job: str) -> None:
        """A write that goes on after its call is answered."""
        self._jobs.add((project, job))
        self.count += 1

    async def settled(self) -> bool:
        """Whether no write is under way."""
        for project, job in list(self._jobs):
            if not await self._is_running(project, job):
                self._jobs.discard((project, job))
                self.count += 1
        return not self._jobs and not self._passing
