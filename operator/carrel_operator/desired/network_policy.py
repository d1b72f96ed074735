"""The NetworkPolicy that closes a notebook to all but what the settings open."""

from typing import Any

from carrel_operator import api, names
from carrel_operator.api import Notebook
from carrel_operator.desired.metadata import child
from carrel_operator.settings import Settings


def network_policy(notebook: Notebook, settings: Settings) -> dict[str, Any]:
    """The notebook's policy; an empty list of rules closes that direction."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": child(notebook, names.network_policy(notebook.name)),
        "spec": {
            "podSelector": {"matchLabels": {api.NOTEBOOK_LABEL: notebook.name}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": list(settings.network.ingress),
            "egress": list(settings.network.egress),
        },
    }
