"""Open documents: written as ``saver`` says, kept while a cell of them runs, and never silently overwritten."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from jupyter_server.utils import ensure_async
from jupyter_server_ydoc.handlers import YDocWebSocketHandler
from jupyter_server_ydoc.rooms import DocumentRoom
from jupyter_server_ydoc.utils import (
    LogLevel,
    OutOfBandChanges,
    decode_file_path,
    room_id_from_encoded_path,
)
from tornado import web

from carrel_lab.durable.conflict import Content, copy_path, merged
from carrel_lab.durable.saver import Saver

_SECONDS_BETWEEN_SAVES = 1.0
_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_BETWEEN_LOOKS_AT_CELLS = 5.0


@dataclass
class House:
    """What all rooms share; filled in by the extension."""

    contents: Any = None  # the server's contents manager
    person: str = "me"
    tell: Callable[[str], None] = lambda _: None
    is_busy: Callable[["Room"], bool] = lambda _: False


house = House()


class Room(DocumentRoom):  # type: ignore[misc]  # jupyter_server_ydoc publishes no types here
    """A document that somebody has open, or a cell of which runs."""

    def __init__(self, *arguments: Any, **more: Any) -> None:  # noqa: ANN401 - as the base class has them
        super().__init__(*arguments, **more)
        self._saver = Saver(self._write, _SECONDS_BETWEEN_SAVES)
        self._on_disk: Content | None = None
        self._disk = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None

    @property
    def path(self) -> str:
        """The file's, below the server's root; it follows a renaming."""
        return str(self._file.path)

    @property
    def cells(self) -> list[Any]:
        """The shared cells; none for what is no notebook."""
        return list(self._document.ycells) if self.file_type == "notebook" else []

    async def initialize(self) -> None:
        """Load it, and look from now on whether somebody else writes it."""
        if self.ready:
            return
        await super().initialize()
        self._on_disk = await self._document.aget()
        self._watch = asyncio.create_task(self._look_again_and_again())

    async def close(self) -> None:
        """Write what is unsaved, and look no more. A task that went on would keep the whole process from ending."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        await self._saver.close()

    async def stop(self) -> None:
        """Nobody needs it any more: it is written, and its state is kept for those who come back."""
        await self.close()
        if self.ready:
            try:
                self.ystore.keep(self.ydoc)
            except OSError as error:
                self.log.warning("The state of %s could not be kept: %s", self.room_id, error)
        await super().stop()

    def _on_document_change(self, target: str, event: Any) -> None:  # noqa: ANN401, ARG002
        people = [state for state in self.awareness.states.values() if state]
        wanted = not people or any(state.get("autosave", True) for state in people)
        # "state" is what is known of the document, such as that it was saved
        if target != "state" and wanted and not self._update_lock.locked():
            self._saver.changed()

    def _save_to_disc(self) -> Awaitable[None]:
        """Somebody pressed Save."""
        return asyncio.create_task(self._save_or_say_so())

    async def _save_or_say_so(self) -> None:
        if not await self._saver.save():
            raise web.HTTPError(HTTPStatus.INSUFFICIENT_STORAGE, f"{self.path} could not be saved.")

    async def _write(self) -> bool:
        try:
            async with self._disk:
                try:
                    await self._to_disk()
                except OutOfBandChanges:
                    await self._from_disk()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            self.log.error("%s could not be saved: %s", self.room_id, error)  # noqa: TRY400
            self._emit(LogLevel.ERROR, None, f"The file could not be saved: {error}")
            return False
        return True

    async def _to_disk(self) -> None:
        content = await self._document.aget()
        model = {"format": self._file_format, "type": self._file_type, "content": content}
        saved = await self._file.maybe_save_content(model)
        if saved is None:
            return  # the person may only read it
        self._on_disk = content
        async with self._update_lock:
            self._document.dirty = self._saver.unsaved
            self._document.hash = saved["hash"]
        self._emit(LogLevel.INFO, "save", "Content saved.")

    async def _from_disk(self) -> None:
        """Somebody else wrote the file: their changes and ours."""
        model = await self._file.load_content(self._file_format, self._file_type)
        ours, theirs = await self._document.aget(), model["content"]
        merge = merged(self._on_disk, ours, theirs)
        if merge.lost:
            await self._keep_copy(ours)
        async with self._update_lock:
            if merge.content != ours:
                await self._document.aset(merge.content)
            self._document.dirty = False
        self._on_disk = theirs
        self._saver.settled()
        if merge.content != theirs:
            self._saver.changed()

    async def _keep_copy(self, ours: Content) -> None:
        copy = copy_path(self.path, house.person, datetime.now(UTC))
        model = {"format": self._file_format, "type": self._file_type, "content": ours}
        await ensure_async(house.contents.save(model, copy))
        house.tell(
            f"{self.path} was changed in another server at the same time as here. "
            f"The other version is shown now; yours is kept as '{copy}'."
        )

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - it is gone, or its disk is; perhaps it comes back
                self.log.debug("%s could not be looked at: %s", self.room_id, error)

    async def _look(self) -> None:
        async with self._disk:
            path = self.path
            if self._document.path != path:
                self._document.path = path
            found = await ensure_async(house.contents.get(path, content=False))
            if found["last_modified"] != self._file.last_modified:
                await self._from_disk()


class Door(YDocWebSocketHandler):  # type: ignore[misc]
    """By which a browser comes into a room."""

    _stranger = False

    async def prepare(self) -> None:
        """A tab of a pod before this one asks for a document by a name that nobody knows any more."""
        room = room_id_from_encoded_path(self.request.path)
        if room.count(":") >= 2 and self._file_id_manager.get_path(decode_file_path(room)[2]) is None:
            self._stranger = True
            await ensure_async(super(YDocWebSocketHandler, self).prepare())
            return
        await super().prepare()

    async def open(self, room_id: str) -> None:
        """Let it in, or ask it to load the page again."""
        if self._stranger:
            self.close(1003, json.dumps({"reason": "unknown_session", "sessionId": "", "reloadable": True}))
            return
        # In a task of its own: a thread that reads the file lives as long as the task that first asked for it, and the
        # process as long as the thread. This one lasts until the tab is closed.
        await asyncio.create_task(super().open(room_id))

    def on_close(self) -> None:
        """It has gone."""
        if not self._stranger:
            super().on_close()

    async def _clean_room(self) -> None:
        # Without the room there is nothing to print into: a cell that runs on for an hour would print nothing.
        while isinstance(self.room, Room) and house.is_busy(self.room):  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS_AT_CELLS)
        await super()._clean_room()
