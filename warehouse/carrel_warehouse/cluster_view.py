"""What is seen of the cluster, by watches alone: whose pod an address is, and what teams and sizes there are."""

import asyncio
from dataclasses import dataclass

from carrel_operator import api
from carrel_operator.api import Body, InstanceType, Notebook, Project
from carrel_operator.cluster import Cluster
from carrel_operator.mirror import Mirror

_PATIENCE = 2.0  # seconds; a pod that has just started may call before its address is heard of here
_ENDED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod, as far as it matters here; `notebook` is empty where it is none of a notebook."""

    name: str
    uid: str
    notebook: str
    instance_type: str
    address: str
    phase: str
    started: str  # RFC 3339, as the kubelet has it

    @classmethod
    def parse(cls, body: Body) -> "Pod":
        """Read a pod."""
        metadata, status = body["metadata"], body.get("status", {})
        labels = metadata.get("labels", {})
        ours = labels.get("app.kubernetes.io/name") == "notebook"
        return cls(
            name=metadata["name"],
            uid=metadata["uid"],
            notebook=labels.get(api.NOTEBOOK_LABEL, "") if ours else "",
            instance_type=metadata.get("annotations", {}).get(api.INSTANCE_TYPE_ANNOTATION, ""),
            address=status.get("podIP", ""),
            phase=status.get("phase", ""),
            started=status.get("startTime", ""),
        )

    @property
    def has_ended(self) -> bool:
        """Whether its address may be another's by now."""
        return self.phase in _ENDED


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose pod an address is: its Notebook, its person, the project whose own server it is, and the person's groups."""

    notebook: str
    person: str
    project: str
    uid: str
    groups: frozenset[str]


class ClusterView:
    """Watches of pods, Notebooks, Projects and sizes; nothing is asked for a second time."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._pods = Mirror(cluster, "Pod", namespace, Pod.parse)
        self._notebooks = Mirror(cluster, "Notebook", namespace, Notebook.parse)
        self._projects = Mirror(cluster, "Project", namespace, Project.parse)
        self._sizes = Mirror(cluster, "InstanceType", namespace, InstanceType.parse)
        self._mirrors = (self._pods, self._notebooks, self._projects, self._sizes)

    async def open(self) -> None:
        """Begin to watch, and wait until everything was seen once."""
        for mirror in self._mirrors:
            mirror.open()
        for mirror in self._mirrors:
            await mirror.listed()

    async def close(self) -> None:
        """Stop watching."""
        for mirror in self._mirrors:
            await mirror.close()

    @property
    def fresh(self) -> bool:
        """Whether what is known here is what the cluster knows, give or take a moment."""
        return all(mirror.fresh for mirror in self._mirrors)

    def caller(self, address: str) -> Caller | None:
        """Whose notebook's pod has that address; None if nobody's."""
        pods = [pod for pod in self._pods.values() if pod.address == address and not pod.has_ended]
        newest = max(pods, key=lambda pod: pod.started, default=None)
        notebook = self._notebooks.get(newest.notebook) if newest and newest.notebook else None
        if newest is None or notebook is None:
            return None
        groups = frozenset(notebook.owner_groups)
        return Caller(notebook.name, notebook.owner, notebook.project, newest.uid, groups)

    async def wait_for_caller(self, address: str) -> Caller | None:
        """Like `caller`, but a pod that has just started is waited for, a moment."""
        changed = asyncio.Event()
        with self._pods.heard(changed), self._notebooks.heard(changed):
            try:
                async with asyncio.timeout(_PATIENCE):
                    while (found := self.caller(address)) is None:
                        changed.clear()
                        await changed.wait()
                    return found
            except TimeoutError:
                return None

    def pods(self) -> list[Pod]:
        """The pods of notebooks."""
        return [pod for pod in self._pods.values() if pod.notebook]

    def notebook(self, name: str) -> Notebook | None:
        """The Notebook of that name."""
        return self._notebooks.get(name)

    def projects(self) -> list[Project]:
        """All of them."""
        return list(self._projects.values())

    def instance_type(self, name: str) -> InstanceType | None:
        """The size of that name."""
        return self._sizes.get(name)
