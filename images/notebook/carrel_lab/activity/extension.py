"""The activity agent beside the memory guard, in one server."""

import atexit
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from carrel_lab.activity.agent import Agent
from carrel_lab.activity.eyes import Eyes
from carrel_lab.guard.hub import Hub
from carrel_lab.guard.notices import Notices


def watched(app: Any, hub: Hub | None, notices: Notices, notes: Path) -> Agent:  # noqa: ANN401 - ServerApp
    """An agent that watches over that Jupyter server and has begun."""
    settings = app.web_app.settings
    eyes = Eyes(lambda: _kernels(app.kernel_manager), lambda: _terminals(settings), notes)
    hear = getattr(app.contents_manager, "register_post_save_hook", None)
    if hear:  # not every place for documents is a folder
        hear(lambda **_: eyes.touch())

    def active() -> None:
        # JupyterHub's own idea of when the server was last used
        settings.setdefault("last_activity_times", {})["carrel"] = datetime.now(UTC)

    agent = Agent(eyes, hub, notices, active)
    agent.start()
    atexit.register(agent.stop)
    return agent


def _kernels(manager: Any) -> dict[str, Any]:  # noqa: ANN401
    found = {}
    for each in manager.list_kernel_ids():
        try:
            found[each] = manager.get_kernel(each)
        except Exception:  # noqa: BLE001, S112 - tornado's 404, of a kernel that has just ended
            continue
    return found


def _terminals(settings: dict[str, Any]) -> dict[str, Any]:
    manager = settings.get("terminal_manager")
    return dict(manager.terminals) if manager else {}
