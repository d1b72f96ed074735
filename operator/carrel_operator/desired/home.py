"""The claim that holds a person's files, shared by all their servers."""

from collections.abc import Iterable
from typing import Any

from carrel_operator import api, names
from carrel_operator.api import Metadata, Notebook
from carrel_operator.desired.metadata import owner_references, personal_labels
from carrel_operator.settings import Settings


def home(
    notebook: Notebook, relatives: Iterable[Metadata], settings: Settings, *, born: bool, image: str = ""
) -> dict[str, Any]:
    """The person's claim; without an owner reference where homes are kept when the last Notebook goes.

    Once born, only its metadata is applied: a claim's class never changes, and its size has its own rule,
    in ``expansion``. ``image`` is the one that last opened it.
    """
    metadata: dict[str, Any] = {
        "name": names.home(notebook.owner),
        "namespace": notebook.metadata.namespace,
        "labels": personal_labels(notebook),
        "annotations": {
            api.OWNER_ANNOTATION: notebook.owner,
            **({api.IMAGE_ANNOTATION: image} if image else {}),
        },
    }
    if not settings.home.keep:
        metadata["ownerReferences"] = owner_references(relatives)
    claim: dict[str, Any] = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
    if born:
        return claim
    claim["spec"] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": notebook.home_size or settings.home.size}},
    }
    if settings.home.storage_class is not None:
        claim["spec"]["storageClassName"] = settings.home.storage_class
    return claim
