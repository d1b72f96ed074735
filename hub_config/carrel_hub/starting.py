"""Waiting for a server that was asked to start or to stop: what a Notebook's status means to the hub."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from carrel_hub import reachable
from carrel_operator.api import Notebook, Phase, Reason, ReasonKind

Changes = Callable[[], AsyncGenerator[Notebook | None]]


@dataclass
class StartError(Exception):
    """The server will not come up; ``message`` is a sentence for the person who waits."""

    reason: str
    message: str
    status: int = 500  # of the HTTP answer

    def __str__(self) -> str:
        return self.message


async def until_answering(changes: Changes, started: Notebook, patience: float) -> str:
    """The address of the server, as soon as something listens there.

    Follows the Notebook all the while: StartError at once when it can't come up any more, and after
    ``patience`` seconds of a complaint that only somebody else can settle (no room, image can't be fetched).
    """
    url = await _address(changes, started, patience)
    while True:
        answering = asyncio.create_task(reachable.until_open(url))
        moving = asyncio.create_task(_address(changes, started, patience, other_than=url))
        try:
            await asyncio.wait({answering, moving}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
                return url
            url = moving.result()
        finally:
            answering.cancel()
            moving.cancel()


def has_ended(notebook: Notebook) -> bool:
    """Whether the operator has given this session up: the server exited, failed, or may not run."""
    status = notebook.status
    if status.observed_generation < notebook.metadata.generation or status.reason is None:
        return False
    return status.reason.kind is ReasonKind.FINAL


async def until_stopped(changes: AsyncGenerator[Notebook | None], generation: int) -> None:
    """Return as soon as what was asked for in that generation, or later, has come to a stop."""
    async with aclosing(changes):
        async for notebook in changes:
            if _has_stopped(notebook, generation):
                return


async def _address(changes: Changes, started: Notebook, patience: float, other_than: str = "") -> str:
    """The address at which this session's server runs, once it is another one than ``other_than``."""
    complaint = ""
    try:
        async with asyncio.timeout(None) as until, aclosing(_current(changes, started)) as current:
            async for notebook in current:
                status = notebook.status
                if has_ended(notebook):
                    raise StartError(str(status.reason), status.message)
                running = status.phase is Phase.RUNNING and status.session == started.session
                if running and status.url not in {"", other_than}:
                    return status.url
                if status.reason is None or status.reason.kind is not ReasonKind.STUCK:
                    until.reschedule(None)
                elif until.when() is None:
                    until.reschedule(asyncio.get_running_loop().time() + patience)
                complaint = status.message
    except TimeoutError as error:
        raise StartError("Stuck", complaint, 503) from error
    raise AssertionError  # pragma: no cover - the changes of a Notebook never end


async def _current(changes: Changes, started: Notebook) -> AsyncGenerator[Notebook]:
    """The Notebook as this session goes on; StartError as soon as it is over for another reason."""
    async with aclosing(changes()) as every:
        async for notebook in every:
            if notebook is None or notebook.metadata.uid != started.metadata.uid:
                message = "The notebook was deleted while its server started. Start it again."
                raise StartError("Deleted", message, 409)
            if not notebook.running or notebook.session != started.session:
                message = "The server was stopped while it started. Start it again."
                raise StartError(str(Reason.STOPPED), message, 409)
            if notebook.status.observed_generation >= started.metadata.generation:
                yield notebook


def _has_stopped(notebook: Notebook | None, generation: int) -> bool:
    if notebook is None:
        return True
    status = notebook.status
    return status.observed_generation >= generation and status.phase is Phase.STOPPED
