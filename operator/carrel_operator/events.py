"""Events: what is told to whoever looks at an object with kubectl."""

import secrets
from datetime import UTC, datetime

from carrel_operator.api import Body

_LONGEST = 1024  # that Kubernetes takes


def warning(about: Body, reason: str, message: str, component: str, now: datetime) -> Body:
    """An Event of the type Warning about an object."""
    metadata, moment = about["metadata"], now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    namespace = metadata["namespace"]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{secrets.token_hex(8)}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": metadata["name"],
            "namespace": namespace,
            "uid": metadata["uid"],
        },
        "reason": reason,
        "message": message[:_LONGEST],
        "type": "Warning",
        "source": {"component": component},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
