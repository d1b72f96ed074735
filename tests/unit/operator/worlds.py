"""Objects as the API server would show them, for the tables of the operator's tests."""

from types import MappingProxyType
from typing import Any

from carrel_operator import api, names, resizing
from carrel_operator.api import Body, Notebook, NotebookImage, Project
from carrel_operator.catalogue import Catalogue
from carrel_operator.project_seen import ProjectSeen
from carrel_operator.seen import PodSeen, Seen
from carrel_operator.settings import parse

SMALL = api.InstanceType.parse(
    {
        "metadata": {"name": "small"},
        "spec": {"cpu": {"request": "100m", "limit": 1}, "memory": {"request": "512Mi", "limit": "1Gi"}},
    }
)
MEDIUM = api.InstanceType.parse(
    {
        "metadata": {"name": "medium"},
        "spec": {"cpu": {"request": "200m", "limit": 2}, "memory": {"request": "1Gi", "limit": "4Gi"}},
    }
)
HUGE = api.InstanceType.parse(
    {
        "metadata": {"name": "huge"},
        "spec": {
            "cpu": {"limit": "64"},
            "memory": {"limit": "256Gi"},
            "gpu": {"resource": "nvidia.com/gpu", "count": 2},
            "nodeSelector": {"pool": "gpu"},
            "tolerations": [{"key": "gpu", "operator": "Exists"}],
            "allowedGroups": ["researchers"],
        },
    }
)
STANDARD = NotebookImage.parse(
    {"metadata": {"name": "standard"}, "spec": {"image": "example.org/notebook:1"}}
)
CATALOGUE = Catalogue({"small": SMALL, "huge": HUGE}, {"standard": STANDARD})

PLAIN = parse({"namespace": "carrel"})
METADATA = parse(
    {
        "namespace": "carrel",
        "identity": {
            "mode": "metadata",
            "project": "my-project",
            "serviceAccountAnnotations": {
                "iam.gke.io/gcp-service-account": "notebooks@my-project.iam.gserviceaccount.com"
            },
            "environment": {"BIGQUERY_EMULATOR_HOST": "http://gateway.carrel.svc:9060"},
            "principal": "serviceAccount:notebooks@my-project.iam.gserviceaccount.com",
        },
    }
)
FEDERATED = parse(
    {
        "namespace": "carrel",
        "home": {"size": "20Gi", "storageClass": "fast", "keep": False},
        "notebook": {
            "environment": {"LANG": "C.UTF-8"},
            "imagePullSecrets": ["registry"],
            "priorityClassName": "people",
        },
        "identity": {
            "mode": "federated",
            "audience": "https://warehouse.example.org",
            "project": "carrel-demo",
            "serviceAccountAnnotations": {"example.org/team": "data"},
            "environment": {"NO_GCE_CHECK": "true"},
            "principal": "principal://example.org/{namespace}/{serviceAccount}",
        },
        "network": {
            "ingress": [{"ports": [{"port": 8888}]}],
            "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}],
        },
    }
)


def notebook(owner: str = "ada", server: str = "", name: str = "", **spec: object) -> Notebook:
    """A running notebook of a person; keyword arguments are fields of its spec."""
    fields = {"owner": owner, "server": server, "running": True, "session": "s1"}
    fields |= {"instanceType": "small", "image": "standard"} | spec
    name = name or names.notebook(owner, server)
    metadata = {"name": name, "namespace": "carrel", "uid": f"uid-{name}", "generation": 3}
    return Notebook.parse({"metadata": metadata, "spec": fields})


def pod(
    of: Notebook,
    *,
    session: str = "s1",
    size: str = "small",
    age: float = 60.0,
    status: Body = MappingProxyType({}),
    resources: Body | None = None,
    **metadata: Any,
) -> PodSeen:
    """The pod of a notebook, with the status given."""
    owner = {"apiVersion": "carrel.dev/v1", "kind": "Notebook", "name": of.name, "uid": of.metadata.uid}
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": names.pod(of.name),
            "uid": "pod-uid",
            "annotations": {"carrel.dev/session": session, "carrel.dev/instance-type": size},
            "ownerReferences": [owner],
            **metadata,
        },
        "spec": {
            "containers": [
                {
                    "image": "example.org/notebook:1",
                    "resources": resources or resizing.resources(SMALL),
                }
            ],
            **({"nodeName": status["node"]} if "node" in status else {}),
        },
        "status": {key: value for key, value in status.items() if key != "node"},
    }
    return PodSeen.parse(body, age, settled=age)


def container(**state: Any) -> dict[str, Any]:
    """A pod's status with its one container in that state, on node n1."""
    return {"node": "n1", "phase": "Running", "containerStatuses": [{"state": state}]}


def home(owner: str = "ada", phase: str = "Bound", **annotations: str) -> dict[str, Any]:
    """A home claim."""
    return {
        "metadata": {"name": names.home(owner), "annotations": annotations or {"carrel.dev/owner": owner}},
        "spec": {"resources": {"requests": {"storage": "10Gi"}}},
        "status": {"phase": phase},
    }


def seen(of: Notebook, **children: Any) -> Seen:
    """A notebook with its children and the catalogue's opinion."""
    fields: dict[str, Any] = {
        "relatives": (of.metadata,),
        "instance_type": CATALOGUE.instance_types.get(of.instance_type),
        "image": CATALOGUE.images.get(of.image),
        "refusal": CATALOGUE.refusal(of.instance_type, of.image, of.owner_groups),
        "age": 60.0,
        "uid": 20_000,
        **children,
    }
    return Seen(notebook=of, **fields)


MEMBERS = (
    {"user": "ada", "role": "editor"},
    {"group": "analysts", "role": "viewer"},
    {"group": "leads", "role": "admin"},
)


def project_body(uid: str = "uid-1", **spec: Any) -> dict[str, Any]:
    """A Project called sales."""
    metadata = {"name": "sales", "namespace": "carrel", "uid": uid, "generation": 1}
    return {
        "apiVersion": "carrel.dev/v1",
        "kind": "Project",
        "metadata": metadata,
        "spec": {"members": list(MEMBERS)} | spec,
    }


def project_claim(
    phase: str = "Bound", uid: str = "uid-1", prepared: str = "20005", size: str = "50Gi"
) -> Body:
    """Its volume."""
    annotations = {"carrel.dev/project-uid": uid, "carrel.dev/gid": "20005"}
    annotations |= {"carrel.dev/prepared": prepared} if prepared else {}
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "project-sales", "namespace": "carrel", "annotations": annotations},
        "spec": {"resources": {"requests": {"storage": size}}},
        "status": {"phase": phase, "capacity": {"storage": size}},
    }


def project(claim: Body | None = None, **spec: Any) -> ProjectSeen:
    """The Project sales with its number and a volume that is ready."""
    return ProjectSeen(Project.parse(project_body(**spec)), 20_005, claim or project_claim())
