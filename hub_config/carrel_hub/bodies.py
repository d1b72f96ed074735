"""What the hub writes, as the API server takes it."""

import base64
from collections.abc import Collection
from datetime import datetime
from typing import Any

from carrel_hub.order import Order
from carrel_operator import names
from carrel_operator.api import API_VERSION, STARTED_BY_ANNOTATION, Metadata
from carrel_operator.api.times import stamp

FIELD_MANAGER = "carrel-hub"

_MOST_GROUPS = 500  # as the CRD allows


def notebook(order: Order, namespace: str, *, running: bool) -> dict[str, Any]:
    """The Notebook that an order asks for."""
    name, project = names.notebook(order.owner, order.server), names.project_of(order.owner)
    return {
        "apiVersion": API_VERSION,
        "kind": "Notebook",
        "metadata": {"name": name, "namespace": namespace}
        | annotated(STARTED_BY_ANNOTATION, order.by).get("metadata", {}),
        "spec": {
            "owner": order.owner,
            **({"project": project} if project else {"ownerGroups": listed(order.groups)}),
            "server": order.server,
            "session": order.session,
            "running": running,
            "instanceType": order.instance_type,
            "image": order.image,
            "environmentSecret": names.environment_secret(name),
            **({"rescue": True} if order.rescue else {}),
        },
    }


def environment_secret(order: Order, namespace: str, uid: str) -> dict[str, Any]:
    """The Secret with which JupyterHub speaks to the server it starts; it goes when the Notebook goes."""
    name = names.notebook(order.owner, order.server)
    owner = {"apiVersion": API_VERSION, "kind": "Notebook", "name": name, "uid": uid, "controller": False}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": names.environment_secret(name),
            "namespace": namespace,
            "ownerReferences": [owner],
        },
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in order.environment.items()},
    }


def event(metadata: Metadata, namespace: str, reason: str, message: str, at: datetime) -> dict[str, Any]:
    """What everybody is told who looks at the Notebook with kubectl."""
    now = stamp(at)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{metadata.name}.", "namespace": namespace},
        "involvedObject": reference(metadata)["metadata"] | {"apiVersion": API_VERSION, "kind": "Notebook"},
        "reason": reason,
        "message": message,
        "type": "Warning",
        "source": {"component": FIELD_MANAGER},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def reference(metadata: Metadata) -> dict[str, Any]:
    """Which Notebook is meant, and no other that has its name later."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Notebook",
        "metadata": {"name": metadata.name, "namespace": metadata.namespace, "uid": metadata.uid},
    }


def listed(groups: Collection[str]) -> list[str]:
    """Groups as the CRD takes them."""
    return sorted(set(groups))[:_MOST_GROUPS]


def annotated(annotation: str, text: str) -> dict[str, Any]:
    """An annotation, as part of an object; nothing where there is nothing to say."""
    return {"metadata": {"annotations": {annotation: text}}} if text else {}
