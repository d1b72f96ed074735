"""The doctor in the Jupyter server: ``carrel/doctor``, and the notice about an identity that is not ready."""

import asyncio
import json
import logging
import threading
import time
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from carrel_lab.doctor import gate
from carrel_lab.doctor.gate import Identity
from carrel_lab.doctor.visit import examined
from carrel_lab.guard.hub import Hub, HubError
from carrel_lab.guard.notices import Kind, Notices

_PAUSES = (0.0, 3.0, 10.0, 60.0)  # before each try; the hub takes one report every two seconds
_SENTENCE = 1000  # characters; the hub takes a few more

log = logging.getLogger(__name__)


class Speaker:
    """Passes on how the identity stands: to the hub, and to the person when it is not well, or is well again."""

    def __init__(self, hub: Hub | None, notices: Notices) -> None:
        self._hub, self._notices = hub, notices
        self._told = True
        self._latest: Identity | None = None

    def tell(self, identity: Identity) -> None:
        """Say it."""
        if not identity.ready:
            self._notices.forget(Kind.IDENTITY)
            self._notices.say(Kind.IDENTITY, identity.message)
        elif not self._told:
            self._notices.forget(Kind.IDENTITY)
            self._notices.say(Kind.IDENTITY, "Queries work now.")
        self._told, self._latest = identity.ready, identity
        if self._hub:
            threading.Thread(target=self._insist, args=(self._hub, identity), daemon=True).start()

    def _insist(self, hub: Hub, identity: Identity) -> None:
        said = {"message": " ".join(identity.message.split())[:_SENTENCE]} if identity.message else {}
        for pause in _PAUSES:
            time.sleep(pause)
            if identity is not self._latest:
                return  # it has changed meanwhile
            try:
                hub.report({"identity": {"ready": identity.ready, **said}})
            except HubError as error:
                log.info("The hub was not told of the identity: %s", error)
            else:
                return


class DoctorHandler(APIHandler):  # type: ignore[misc]  # jupyter_server publishes no types here
    """``carrel/doctor``."""

    @web.authenticated
    async def get(self) -> None:
        """Look at every link now."""
        hub: Hub | None = self.settings["carrel_guard"].hub
        found = await asyncio.to_thread(examined, hub)
        self.finish(json.dumps({"findings": [each.body() for each in found]}))


def attended(app: Any, hub: Hub | None, notices: Notices) -> None:  # noqa: ANN401 - jupyter_server's ServerApp
    """Add the doctor to a server."""
    url = url_path_join(app.web_app.settings["base_url"], "carrel", "doctor")
    app.web_app.add_handlers(".*$", [(url, DoctorHandler)])
    if waiting := gate.current():
        waiting.listen(Speaker(hub, notices).tell)
