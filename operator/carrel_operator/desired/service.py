"""The Service whose address is the server's, from before it listens until the Notebook goes."""

from typing import Any

from carrel_operator import api, names
from carrel_operator.api import Notebook
from carrel_operator.desired.metadata import child
from carrel_operator.settings import Settings


def service(notebook: Notebook, settings: Settings) -> dict[str, Any]:
    """The notebook's Service; it publishes addresses that are not ready because the hub asks the port itself."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": child(notebook, names.service(notebook.name)),
        "spec": {
            "type": "ClusterIP",
            "publishNotReadyAddresses": True,
            "selector": {api.NOTEBOOK_LABEL: notebook.name},
            "ports": [{"name": "http", "port": settings.notebook.port, "targetPort": settings.notebook.port}],
        },
    }
