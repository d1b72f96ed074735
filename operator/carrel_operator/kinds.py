"""Where the Kubernetes API keeps the objects of each kind."""

from carrel_operator import api
from carrel_operator.api import Body
from carrel_operator.snapshot_seen import API_VERSION as SNAPSHOT_API

OURS = frozenset({"InstanceType", "Notebook", "NotebookImage", "Project", "VolumeBackup", "VolumeRestore"})
_CLUSTER_SCOPED = frozenset(
    {"InstanceType", "Namespace", "NotebookImage", "StorageClass", "VolumeSnapshotClass"}
)
PLURALS = {
    "ConfigMap": "configmaps",
    "Deployment": "deployments",
    "Event": "events",
    "InstanceType": "instancetypes",
    "Namespace": "namespaces",
    "NetworkPolicy": "networkpolicies",
    "Notebook": "notebooks",
    "NotebookImage": "notebookimages",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "Pod": "pods",
    "Project": "projects",
    "Secret": "secrets",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "StorageClass": "storageclasses",
    "VolumeBackup": "volumebackups",
    "VolumeRestore": "volumerestores",
    "VolumeSnapshot": "volumesnapshots",
    "VolumeSnapshotClass": "volumesnapshotclasses",
}
_API_VERSIONS = {
    "Deployment": "apps/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "StorageClass": "storage.k8s.io/v1",
    "VolumeSnapshot": SNAPSHOT_API,
    "VolumeSnapshotClass": SNAPSHOT_API,
    **dict.fromkeys(OURS, api.API_VERSION),
}


def scope(kind: str, namespace: str) -> str:
    """The namespace to look in for all objects of a kind; empty when they have none."""
    return "" if kind in _CLUSTER_SCOPED else namespace


def collection(kind: str, namespace: str) -> str:
    """The path of a kind's objects in a namespace; of all of them when it is empty."""
    return _collection(_API_VERSIONS.get(kind, "v1"), kind, namespace)


def collection_of(body: Body) -> str:
    """The path of the collection that an object belongs to."""
    return _collection(body["apiVersion"], body["kind"], body["metadata"].get("namespace", ""))


def _collection(api_version: str, kind: str, namespace: str) -> str:
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return f"{root}/namespaces/{namespace}/{PLURALS[kind]}" if namespace else f"{root}/{PLURALS[kind]}"
