"""A pod that works on a project's volume for a moment and ends, as an unprivileged user."""

from typing import Any

from carrel_operator import api, names
from carrel_operator.accounts import VOLUME_GROUP
from carrel_operator.api import Project
from carrel_operator.settings import Settings

VOLUME_PATH = "/volume"


def volume_pod(
    project: Project, name: str, number: int, containers: list[dict[str, Any]], settings: Settings
) -> dict[str, Any]:
    """The pod, under the project's own number: all containers but the last run one after the other before it."""
    pod = child_of_project(project, "Pod", name)
    pod["metadata"]["ownerReferences"] = [owner_reference(project)]
    *first, last = containers
    pod["spec"] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "OnFailure",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": number,
            "runAsGroup": number,
            "fsGroup": VOLUME_GROUP,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [last],
        "volumes": [
            {"name": "volume", "persistentVolumeClaim": {"claimName": names.project_volume(project.name)}}
        ],
    }
    if first:
        pod["spec"]["initContainers"] = first
    if settings.notebook.image_pull_secrets:
        pod["spec"]["imagePullSecrets"] = [{"name": name} for name in settings.notebook.image_pull_secrets]
    return pod


def volume_container(
    name: str, command: list[str], settings: Settings, *, uid: int | None = None, memory: str = "64Mi"
) -> dict[str, Any]:
    """One step of it; under another number than the pod's if ``uid`` says so."""
    security: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {
        "name": name,
        "image": settings.projects.image,
        "imagePullPolicy": settings.notebook.image_pull_policy,
        "command": command,
        "resources": {
            "requests": {"cpu": "10m", "memory": "16Mi"},
            "limits": {"cpu": "500m", "memory": memory},
        },
        "securityContext": security if uid is None else security | {"runAsUser": uid},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "volume", "mountPath": VOLUME_PATH}],
    }


def child_of_project(project: Project, kind: str, name: str) -> dict[str, Any]:
    """The beginning of an object that is made for a project."""
    labels = {
        "app.kubernetes.io/name": "project",
        "app.kubernetes.io/managed-by": "carrel-operator",
        api.PROJECT_LABEL: project.name,
    }
    metadata = {"name": name, "namespace": project.metadata.namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def owner_reference(project: Project) -> dict[str, Any]:
    """What makes an object go with the Project."""
    metadata = project.metadata
    return {"apiVersion": api.API_VERSION, "kind": "Project", "name": metadata.name, "uid": metadata.uid}
