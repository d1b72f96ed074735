"""The doctor in the Jupyter server: ``carrel/doctor``, and the gate's news for whoever should hear them."""

import asyncio
import json
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from carrel_lab.doctor import gate
from carrel_lab.doctor.speaker import Speaker
from carrel_lab.doctor.visit import examined
from carrel_lab.guard.hub import Hub
from carrel_lab.guard.notices import Notices


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
