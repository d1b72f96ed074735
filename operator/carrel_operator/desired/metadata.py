"""The metadata that every child carries: whose it is, and what goes with its Notebook."""

from collections.abc import Iterable
from typing import Any

from carrel_operator import api, names
from carrel_operator.api import Metadata, Notebook


def labels(notebook: Notebook) -> dict[str, str]:
    """Labels of a child of one Notebook."""
    return {**personal_labels(notebook), api.NOTEBOOK_LABEL: notebook.name}


def personal_labels(notebook: Notebook) -> dict[str, str]:
    """Labels of what all servers of one person share."""
    return {
        "app.kubernetes.io/name": "notebook",
        "app.kubernetes.io/managed-by": "carrel-operator",
        api.USER_LABEL: names.user_label(notebook.owner),
        **({api.PROJECT_LABEL: notebook.project} if notebook.project else {}),
    }


def owner_annotations(notebook: Notebook) -> dict[str, str]:
    """The person's and the server's names as they were given, which no label can hold."""
    return {api.OWNER_ANNOTATION: notebook.owner, api.SERVER_ANNOTATION: notebook.server}


def owner_references(owners: Iterable[Metadata]) -> list[dict[str, Any]]:
    """The Notebooks that a child goes with, the last of them taking it along."""
    return [
        {"apiVersion": api.API_VERSION, "kind": "Notebook", "name": owner.name, "uid": owner.uid}
        for owner in owners
    ]


def child(notebook: Notebook, name: str) -> dict[str, Any]:
    """The metadata of an object that lives and dies with one Notebook."""
    return {
        "name": name,
        "namespace": notebook.metadata.namespace,
        "labels": labels(notebook),
        "annotations": owner_annotations(notebook),
        "ownerReferences": owner_references([notebook.metadata]),
    }


def pod_metadata(notebook: Notebook, name: str) -> dict[str, Any]:
    """What keeps a pod that exists ours; what it was started with is never touched again."""
    metadata = child(notebook, name)
    # A controller is what lets `kubectl drain` and cluster autoscalers move a pod that no ReplicaSet stands behind.
    metadata["ownerReferences"][0]["controller"] = True
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
