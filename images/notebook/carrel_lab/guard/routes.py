"""What JupyterLab asks below ``carrel/``: usage, notices as they come, and the server's size by way of the hub."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.iostream import StreamClosedError

from carrel_lab.activity.agent import Agent as Activity
from carrel_lab.guard.agent import Agent, Voices
from carrel_lab.guard.hub import Hub, HubError

_SECONDS_BETWEEN_MEASUREMENTS = 2.0
_SECONDS_BETWEEN_LOOKS_AT_THE_LIMIT = 0.25


class Guard:
    """The parts that the pages need."""

    def __init__(
        self,
        agent: Agent,
        voices: Voices,
        hub: Hub | None,
        kernel_name: Callable[[str], str],
        activity: Activity,
    ) -> None:
        self.agent, self.notices, self.hub, self.activity = agent, voices.notices, hub, activity
        self._reporter, self._kernel_name = voices.reporter, kernel_name

    def usage(self) -> dict[str, Any]:
        """What is in use now."""
        return {
            "memory": self.agent.memory(),
            "kernels": [
                {**kernel, "name": self._kernel_name(str(kernel["id"]))} for kernel in self.agent.kernels()
            ],
            "home": self._reporter.home(),
            "stop": self.activity.view(),
            "last_kill": self.agent.last_kill.body() if self.agent.last_kill else None,
        }


class UsageHandler(APIHandler):  # type: ignore[misc]  # jupyter_server publishes no types here
    """``carrel/usage``."""

    @web.authenticated
    async def get(self) -> None:
        """Answer once."""
        self.finish(json.dumps(self.settings["carrel_guard"].usage()))


class EventsHandler(JupyterHandler):  # type: ignore[misc]
    """``carrel/events``: server-sent events for as long as somebody listens."""

    @web.authenticated
    async def get(self) -> None:
        """Send notices as they come, and usage every two seconds and whenever the limit changes."""
        guard: Guard = self.settings["carrel_guard"]
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Accel-Buffering", "no")
        loop, coming = asyncio.get_running_loop(), asyncio.Queue[dict[str, Any]]()

        def heard(notice: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(coming.put_nowait, notice)

        try:
            for notice in guard.notices.listen(heard):
                await self._send("notice", notice)
            await self._stream(guard, coming)
        except StreamClosedError:
            return
        finally:
            guard.notices.leave(heard)

    async def _stream(self, guard: Guard, coming: asyncio.Queue[dict[str, Any]]) -> None:
        due, limit = 0.0, -1
        while True:
            now, memory = asyncio.get_running_loop().time(), guard.agent.memory()
            if now >= due or memory["limit"] != limit:
                due, limit = now + _SECONDS_BETWEEN_MEASUREMENTS, memory["limit"]
                await self._send("usage", guard.usage())
            try:
                notice = await asyncio.wait_for(coming.get(), _SECONDS_BETWEEN_LOOKS_AT_THE_LIMIT)
            except TimeoutError:
                continue
            await self._send("notice", notice)

    async def _send(self, event: str, content: dict[str, Any]) -> None:
        self.write(f"event: {event}\ndata: {json.dumps(content)}\n\n")
        await self.flush()


class _HubHandler(APIHandler):  # type: ignore[misc]
    async def pass_on(self, ask: Callable[[Hub], dict[str, Any]], status: int = 200) -> None:
        """Ask the hub, and answer with its answer or its refusal."""
        hub: Hub | None = self.settings["carrel_guard"].hub
        if hub is None:
            raise web.HTTPError(
                404, "This JupyterLab was not started by a hub, so its size can't be changed."
            )
        try:
            answer = await asyncio.to_thread(ask, hub)
        except HubError as error:
            self.set_status(error.status)
            self.finish(json.dumps({"message": error.message}))
            return
        if "idle_timeout" in answer:  # it may have been changed on another page
            self.settings["carrel_guard"].activity.learned(answer)
        self.set_status(status)
        self.finish(json.dumps(answer))

    def size(self) -> str:
        """The size that the request names, or nothing."""
        body = self.get_json_body() or {}
        found = body.get("instance_type", "") if isinstance(body, dict) else None
        if not isinstance(found, str):
            raise web.HTTPError(400, 'Say {"instance_type": "<name of a size>"}.')
        return found


class SizeHandler(_HubHandler):
    """``carrel/size``."""

    @web.authenticated
    async def get(self) -> None:
        """The size there is, and those that may be chosen."""
        await self.pass_on(lambda hub: hub.sizes())

    @web.authenticated
    async def patch(self) -> None:
        """Change it."""
        size = self.size()
        await self.pass_on(lambda hub: hub.change(size), 202)


class RestartHandler(_HubHandler):
    """``carrel/restart``."""

    @web.authenticated
    async def post(self) -> None:
        """Stop and start, with another size if one is named."""
        size = self.size()
        await self.pass_on(lambda hub: hub.restart(size), 202)


class KeepHandler(_HubHandler):
    """``carrel/keep``."""

    @web.authenticated
    async def patch(self) -> None:
        """Have the server kept for a while, or no longer."""
        wish = self.get_json_body()
        if not isinstance(wish, dict) or not wish or not wish.keys() <= {"keep_for", "keep_until"}:
            raise web.HTTPError(400, 'Say {"keep_for": "8h"}, or null for no longer.')
        await self.pass_on(lambda hub: hub.keep(wish), 202)


def handlers(base_url: str) -> list[tuple[str, type[JupyterHandler]]]:
    """Addresses below the server's own."""
    found = {
        "usage": UsageHandler,
        "events": EventsHandler,
        "size": SizeHandler,
        "restart": RestartHandler,
        "keep": KeepHandler,
    }
    return [(url_path_join(base_url, "carrel", name), handler) for name, handler in found.items()]
