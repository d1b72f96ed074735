"""Cells that run on the server: which they are, and what becomes of them when their kernel ends."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from carrel_lab.durable import cut
from carrel_lab.durable.journal import Journal, Running
from carrel_lab.durable.rooms import Room

_SECONDS_BETWEEN_NOTES = 2.0
_ENDING = frozenset({"restart", "shutdown"})


class Executions:
    """Of one server."""

    def __init__(self, stack: Any, rooms: Any, kernels: Any, journal: Journal) -> None:  # noqa: ANN401
        self._stack, self._rooms, self._kernels, self._journal = stack, rooms, kernels, journal
        self._live: dict[str, str] = {}  # the room of each cell that runs
        self._notes: asyncio.Task[None] | None = None
        self._stopping = False

    async def heard_of_cell(self, *, data: dict[str, Any], **_: object) -> None:
        """A cell began or ended, says jupyter-server-nbmodel."""
        cell, room = data.get("cell_id"), data.get("document_id")
        if data.get("event_type") != "execution_start":
            self._live.pop(str(cell), None)
        elif cell and room:
            self._live[cell] = room
            if self._notes is None or self._notes.done():
                self._notes = asyncio.create_task(self._note_again_and_again())

    async def heard_of_kernel(self, *, data: dict[str, Any], **_: object) -> None:
        """A kernel started, ended or was interrupted, says the Jupyter server."""
        if data.get("action") not in _ENDING or self._stopping:
            return
        kernel = str(data.get("kernel_id"))
        # The library waits for the answer of the kernel that has gone for ever, and all later cells wait with it.
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self._stack.cancel(kernel, timeout=1)
        for _room, cell, note in list(self._cells()):
            if note.get("kernelId") == kernel:
                self._live.pop(cell["id"], None)
                with cell.doc.transaction():
                    del cell["metadata"][cut.MARK]
                    cell["execution_state"] = "idle"
                    cell["outputs"].append(cut.output(datetime.now(UTC), "its kernel"))

    def is_busy(self, room: Room) -> bool:
        """Whether a cell of that document runs or waits its turn."""
        if room.room_id in self._live.values():
            return True
        ids = {cell["id"] for cell in room.cells}
        waiting = (each for kernel in self._kernels.list_kernel_ids() for each in self._stack.pending(kernel))
        return any(each["cell_id"] in ids for each in waiting)

    async def stop(self) -> None:
        """The server ends: what runs now is written down, and every document is on the disk."""
        self._stopping = True
        self._journal.note(self._running())
        rooms = [room for room in self._rooms.values() if isinstance(room, Room)]
        await asyncio.gather(*(room.close() for room in rooms), return_exceptions=True)

    async def _note_again_and_again(self) -> None:
        while self._live and not self._stopping:
            await asyncio.sleep(_SECONDS_BETWEEN_NOTES)
            if not self._stopping:
                self._journal.note(self._running())

    def _running(self) -> list[Running]:
        found = []
        for room, cell, note in self._cells():
            with contextlib.suppress(RuntimeError):  # the file was deleted
                found.append(Running(room.path, cell["id"], str(note.get("requestId"))))
        return found

    def _cells(self) -> Iterator[tuple[Room, Any, Any]]:
        """Each that runs, with its room and the library's note in it."""
        for name in set(self._live.values()):
            room = self._rooms.get(name)
            for cell in room.cells if isinstance(room, Room) else ():
                note = cell["metadata"].get(cut.MARK) if cell["id"] in self._live else None
                if note is not None:
                    yield room, cell, note
