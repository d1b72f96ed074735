"""The claim that holds a person's files, shared by all their servers."""

from typing import Any

from carrel_operator import api
from carrel_operator.desired.metadata import owner_references, personal_labels
from carrel_operator.seen import Seen
from carrel_operator.settings import Settings


def home(seen: Seen, settings: Settings, *, image: str = "") -> dict[str, Any]:
    """The owner's claim; without an owner reference where homes are kept when the last Notebook goes.

    Once born, only its metadata is applied: a claim's class never changes, and its size has its own rule,
    in ``expansion``. ``image`` is the one that last opened it.
    """
    notebook = seen.notebook
    metadata: dict[str, Any] = {
        "name": seen.principal.home,
        "namespace": notebook.metadata.namespace,
        "labels": personal_labels(notebook),
        "annotations": {
            api.OWNER_ANNOTATION: notebook.owner,
            **({api.IMAGE_ANNOTATION: image} if image else {}),
        },
    }
    if not settings.home.keep:
        metadata["ownerReferences"] = owner_references(seen.relatives)
    claim: dict[str, Any] = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
    if seen.home is not None:
        return claim
    claim["spec"] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": notebook.home_size or settings.home.size}},
    }
    if settings.home.storage_class is not None:
        claim["spec"]["storageClassName"] = settings.home.storage_class
    return claim
