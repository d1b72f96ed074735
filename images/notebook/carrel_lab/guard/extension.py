"""The memory guard as an extension of the Jupyter server, switched on in /opt/venv/etc/jupyter."""

import atexit
import os
from pathlib import Path
from typing import Any

from tornado import web

from carrel_lab.activity.extension import watched
from carrel_lab.doctor.extension import attended
from carrel_lab.guard.agent import Agent, Voices
from carrel_lab.guard.cgroup import Cgroup
from carrel_lab.guard.evidence import Evidence
from carrel_lab.guard.growth import Growth
from carrel_lab.guard.hub import Hub
from carrel_lab.guard.kernel import folder
from carrel_lab.guard.notices import Kind, Notices
from carrel_lab.guard.reporter import Reporter
from carrel_lab.guard.routes import Guard, handlers

# What the kernel manager says of a kernel that has ended since it was listed.
_GONE = (KeyError, web.HTTPError)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "carrel_lab.guard.extension"}]


def _load_jupyter_server_extension(app: Any) -> None:  # noqa: ANN401 - jupyter_server's ServerApp
    hub, notices = Hub.from_environment(), Notices()
    reporter = Reporter(hub, notices, Path.home())
    voices = Voices(notices, reporter, Growth(hub, notices), Evidence(folder() / "carrel-memory.json"))
    agent = Agent(Cgroup(), lambda: _processes(app.kernel_manager), voices)
    folder().mkdir(parents=True, exist_ok=True)
    activity = watched(app, hub, notices, folder())
    app.web_app.settings["carrel_guard"] = Guard(
        agent, voices, hub, lambda kernel: _name(app.kernel_manager, kernel), activity
    )
    app.web_app.add_handlers(".*$", handlers(app.web_app.settings["base_url"]))
    attended(app, hub, notices)
    if said := os.environ.get(
        "CARREL_NOTICE"
    ):  # by the operator, which made this pod while the person was at work
        notices.say(Kind.WARNING, said)
    agent.start()
    atexit.register(agent.stop)


def _name(manager: Any, kernel: str) -> str:  # noqa: ANN401
    """The name of a kernel's kind, like ``python3``; empty for one that has just ended."""
    try:
        return str(manager.get_kernel(kernel).kernel_name)
    except _GONE:
        return ""


def _processes(manager: Any) -> dict[str, int]:  # noqa: ANN401
    """The process of every kernel that has one, by the kernel's id; safe in any thread."""
    found = {}
    for kernel in manager.list_kernel_ids():
        try:
            found[kernel] = manager.get_kernel(kernel).provisioner.process.pid
        except (AttributeError, *_GONE):
            continue  # it is starting, or ending
    return found
