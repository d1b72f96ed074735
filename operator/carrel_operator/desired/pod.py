"""The pod in which a server runs: restricted, keyless, and of the size and image that the admin defined."""

from typing import Any

from carrel_operator import api, names
from carrel_operator.accounts import ACCOUNTS, VOLUME_GROUP
from carrel_operator.api import InstanceType, Notebook, NotebookImage
from carrel_operator.desired.image_change import image_change_notice
from carrel_operator.desired.membership import (
    membership_notice,
    mountable,
    project_mounts,
    project_volumes,
)
from carrel_operator.desired.metadata import pod_metadata
from carrel_operator.quantities import number
from carrel_operator.resizing import resources
from carrel_operator.seen import CONTAINER, Seen
from carrel_operator.settings import IdentityMode, Settings

# Where a rescue start puts the person's own home, in the scratch one.
FULL_HOME = "full-home"
_SCRATCH_SIZE = "5Gi"

_TOKEN_PATH = "/var/run/carrel/token"  # noqa: S105 - a path, not a token
_CREDENTIALS_PATH = "/var/run/carrel/credentials"
_NAMES = [{"key": name, "path": name} for name in ("passwd", "group")]


def pod(seen: Seen, uid: int, size: InstanceType, image: NotebookImage, settings: Settings) -> dict[str, Any]:
    """The pod of this session, which runs under its owner's own number."""
    notebook, projects = seen.notebook, mountable(seen.memberships)
    notice = _notice(seen, settings)
    body = pod_metadata(notebook, names.pod(notebook.name))
    body["metadata"]["annotations"] |= {
        api.SESSION_ANNOTATION: notebook.session,
        api.INSTANCE_TYPE_ANNOTATION: size.name,
        api.IMAGE_ANNOTATION: image.name,
        **({api.NOTICE_ANNOTATION: notice} if notice else {}),
    }
    defaults = settings.notebook
    body["spec"] = {
        "serviceAccountName": seen.principal.service_account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # exit 0 is the person's own shut-down; anything else is tried again by the kubelet
        "restartPolicy": "OnFailure",
        "terminationGracePeriodSeconds": defaults.termination_grace_period_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": uid,
            "runAsGroup": VOLUME_GROUP,
            "supplementalGroups": [each.gid for each in projects],
            # the same for everybody, or each member's start would give a project's volume to another group
            "fsGroup": VOLUME_GROUP,
            "fsGroupChangePolicy": "OnRootMismatch",  # or every start walks through all the files of the home
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "affinity": {"podAffinity": _beside_the_persons_other_servers(notebook)},
        "containers": [_container(seen, size, image, settings)],
        "volumes": [*_volumes(seen, settings), *project_volumes(projects)],
    }
    if defaults.priority_class_name:
        body["spec"]["priorityClassName"] = defaults.priority_class_name
    if defaults.image_pull_secrets:
        body["spec"]["imagePullSecrets"] = [{"name": name} for name in defaults.image_pull_secrets]
    if size.node_selector:
        body["spec"]["nodeSelector"] = dict(size.node_selector)
    if size.tolerations:
        body["spec"]["tolerations"] = [dict(each) for each in size.tolerations]
    return body


def _container(seen: Seen, size: InstanceType, image: NotebookImage, settings: Settings) -> dict[str, Any]:
    notebook = seen.notebook
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": image.image,
        "imagePullPolicy": settings.notebook.image_pull_policy,
        "workingDir": seen.principal.home_path,
        "ports": [{"name": "http", "containerPort": settings.notebook.port}],
        "env": [{"name": name, "value": value} for name, value in _environment(seen, size, settings).items()],
        "resources": resources(size),
        # both may be changed in place while the kernel lives
        "resizePolicy": [
            {"resourceName": "cpu", "restartPolicy": "NotRequired"},
            {"resourceName": "memory", "restartPolicy": "NotRequired"},
        ],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "terminationMessagePolicy": "FallbackToLogsOnError",  # its last words go into the status
        "volumeMounts": [*_mounts(seen, settings), *project_mounts(mountable(seen.memberships))],
    }
    if notebook.environment_secret:
        container["envFrom"] = [{"secretRef": {"name": notebook.environment_secret}}]
    return container


def _environment(seen: Seen, size: InstanceType, settings: Settings) -> dict[str, str]:
    """Variables that win over those of the environment Secret, by name."""
    identity, principal = settings.identity, seen.principal
    environment = {
        **settings.notebook.environment,
        "HOME": principal.home_path,
        "USER": principal.login,
        "LOGNAME": principal.login,
        # as JupyterHub's spawners set them; jupyter-resource-usage reads them
        "CPU_LIMIT": str(float(number(size.cpu.limit))),
        "CPU_GUARANTEE": str(float(number(size.cpu.request))),
        "MEM_LIMIT": str(int(number(size.memory.limit))),
        "MEM_GUARANTEE": str(int(number(size.memory.request))),
        **identity.environment,
    }
    if notice := _notice(seen, settings):
        environment["CARREL_NOTICE"] = notice
    if identity.project:
        # without it google-auth asks Resource Manager, and raises
        environment["GOOGLE_CLOUD_PROJECT"] = identity.project
    if identity.mode is IdentityMode.FEDERATED:
        environment["GOOGLE_APPLICATION_CREDENTIALS"] = f"{_CREDENTIALS_PATH}/credentials.json"
    if identity.mode is IdentityMode.METADATA:
        # for the doctor's commands; elsewhere the token says it
        environment["CARREL_SERVICE_ACCOUNT"] = principal.service_account
    return environment


def _notice(seen: Seen, settings: Settings) -> str:
    """What whoever works in this server should know of its start."""
    return membership_notice(seen) or image_change_notice(seen, settings)


def _mounts(seen: Seen, settings: Settings) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [
        *_home_mounts(seen),
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
        {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108
        {"name": "accounts", "mountPath": "/var/lib/extrausers", "readOnly": True},
    ]
    if settings.identity.mode is IdentityMode.FEDERATED:
        mounts += [
            {"name": "token", "mountPath": _TOKEN_PATH, "readOnly": True},
            {"name": "credentials", "mountPath": _CREDENTIALS_PATH, "readOnly": True},
        ]
    return mounts


def _home_mounts(seen: Seen) -> list[dict[str, Any]]:
    """The home; beside a scratch one when it is full, because no server can work in a full one for long."""
    home = seen.principal.home_path
    if not seen.notebook.rescue:
        return [{"name": "home", "mountPath": home}]
    return [{"name": "scratch", "mountPath": home}, {"name": "home", "mountPath": f"{home}/{FULL_HOME}"}]


def _volumes(seen: Seen, settings: Settings) -> list[dict[str, Any]]:
    identity = settings.identity
    volumes: list[dict[str, Any]] = [
        {"name": "home", "persistentVolumeClaim": {"claimName": seen.principal.home}},
        {"name": "tmp", "emptyDir": {}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
        {"name": "accounts", "configMap": {"name": ACCOUNTS, "items": _NAMES, "optional": True}},
    ]
    if seen.notebook.rescue:
        volumes.append({"name": "scratch", "emptyDir": {"sizeLimit": _SCRATCH_SIZE}})
    if identity.mode is IdentityMode.FEDERATED:
        token = {
            "path": "token",
            "audience": identity.audience,
            "expirationSeconds": identity.token_expiration_seconds,
        }
        volumes += [
            {"name": "token", "projected": {"sources": [{"serviceAccountToken": token}]}},
            {"name": "credentials", "configMap": {"name": identity.credentials_config_map}},
        ]
    return volumes


def _beside_the_persons_other_servers(notebook: Notebook) -> dict[str, Any]:
    """Home claims are mounted by one node at a time; the scheduler would not know (docs/decisions/0005)."""
    return {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {
                "labelSelector": {"matchLabels": {api.USER_LABEL: names.user_label(notebook.owner)}},
                "topologyKey": "kubernetes.io/hostname",
            }
        ]
    }
