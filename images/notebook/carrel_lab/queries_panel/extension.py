"""The panel as an extension of the Jupyter server, switched on in /opt/venv/etc/jupyter."""

import os
from pathlib import Path
from typing import Any

from carrel_lab.queries_panel.documents import Documents
from carrel_lab.queries_panel.routes import Panel, handlers
from carrel_lab.queries_panel.warehouse import Warehouse


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "carrel_lab.queries_panel.extension"}]


def _load_jupyter_server_extension(app: Any) -> None:  # noqa: ANN401 - jupyter_server's ServerApp
    warehouse = Warehouse.from_environment(os.environ)
    settings = app.web_app.settings
    settings["carrel_queries"] = Panel(warehouse, Documents(Path(app.root_dir)))
    app.web_app.add_handlers(".*$", handlers(settings["base_url"]))
    if warehouse:  # so that the page knows without asking
        settings.setdefault("page_config_data", {})["carrelQueries"] = "true"
