"""The ServiceAccount that names a person to the warehouse, shared by all their servers."""

from collections.abc import Iterable
from typing import Any

from carrel_operator import api, names
from carrel_operator.api import Metadata, Notebook
from carrel_operator.desired.metadata import owner_references, personal_labels
from carrel_operator.settings import Settings


def service_account(notebook: Notebook, relatives: Iterable[Metadata], settings: Settings) -> dict[str, Any]:
    """The person's account; it goes with the last of their Notebooks."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": names.service_account(notebook.owner),
            "namespace": notebook.metadata.namespace,
            "labels": personal_labels(notebook),
            "annotations": {
                **settings.identity.service_account_annotations,
                api.OWNER_ANNOTATION: notebook.owner,
            },
            "ownerReferences": owner_references(relatives),
        },
        "automountServiceAccountToken": False,
    }
