"""One start of a server: from its order to its address, or to a refusal that says why there is none."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from carrel_hub.notebooks import Notebooks
from carrel_hub.order import Order
from carrel_hub.refusal import StartRefused
from carrel_hub.starting import StartError, until_answering
from carrel_operator.api import Notebook
from carrel_operator.cluster_errors import ClusterError, UnavailableError


@dataclass(frozen=True, slots=True)
class Attempt:
    """A start of one Notebook's server, by this hub or by the one before it."""

    notebooks: Notebooks
    name: str
    seconds: int  # for all of it
    patience: float  # with a complaint that only somebody else can settle

    async def start(self, order: Callable[[], Awaitable[Order]]) -> str:
        """The address of the server that is ordered, as soon as it answers; StartRefused says why it doesn't.

        When it fails the server is asked to stop, so that nothing comes up later. Cancelled because the hub ends,
        it leaves the Notebook as it is. A refusal of ``order`` is passed on: nothing was written yet.
        """
        try:
            async with asyncio.timeout(self.seconds - 1):  # before JupyterHub's own, which has no sentence
                started = await self.notebooks.start(await order())
                return await self._answering(started)
        except asyncio.CancelledError as error:
            if self.notebooks.view.ending:
                raise
            await self.give_up()
            message = "The start was cancelled, because the server was stopped meanwhile. Start it again."
            raise StartRefused(message, reason="cancelled", status_code=409) from error
        except StartError as error:
            await self.give_up()
            raise StartRefused(error.message, reason=error.reason, status_code=error.status) from error
        except ClusterError as error:
            await self.give_up()
            raise _refused_by_cluster(error) from error
        except TimeoutError as error:
            message = f"The server did not start within {self.seconds} seconds. {await self._last_words()}"
            await self.give_up()
            raise StartRefused(message.strip(), reason="timeout", status_code=504) from error

    async def resume(self, notebook: Notebook) -> str:
        """The address of a server that was asked for before, as soon as it answers; TimeoutError if it never does."""
        async with asyncio.timeout(self.seconds):
            return await self._answering(notebook)

    async def give_up(self) -> None:
        """Leave nothing that would start later, when nobody waits for it any more."""
        with contextlib.suppress(ClusterError):
            await self.notebooks.stop(self.name)

    async def _answering(self, notebook: Notebook) -> str:
        return await until_answering(
            lambda: self.notebooks.view.changes(notebook.name), notebook, self.patience
        )

    async def _last_words(self) -> str:
        with contextlib.suppress(ClusterError):
            if notebook := await self.notebooks.view.get(self.name):
                return notebook.status.message
        return ""


def _refused_by_cluster(error: ClusterError) -> StartRefused:
    if isinstance(error, UnavailableError):
        message = f"The cluster does not answer; try again in a minute. ({error})"
        return StartRefused(message, reason="ClusterUnavailable", status_code=503)
    return StartRefused(
        f"The cluster refused the server: {error}", reason="RefusedByCluster", status_code=403
    )
