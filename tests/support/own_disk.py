"""A home on a file system of its own, small enough to be filled and able to grow: a storage driver's part, played.

The node's own file system can't be filled by a test. So a small one in memory is mounted where the node sees it,
and a volume that exists before the person does brings it into their home.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carrel_local import node
from carrel_local.instance import instance, numbers
from carrel_operator import names
from support.cluster import Kubectl, Person, Platform


@dataclass(frozen=True)
class OwnDisk:
    """A person's home on a disk that nothing else is on."""

    owner: str
    kube: Kubectl
    node_process: int  # in whose view of the file system the disk is mounted

    @property
    def claim(self) -> str:
        return names.home(self.owner)

    @property
    def volume(self) -> str:
        return f"disk-{names.slug(self.owner)}"

    @property
    def directory(self) -> Path:
        return Path("/run") / self.volume

    def requested(self) -> str:
        """What the claim asks for."""
        claim = self.kube.get("pvc", self.claim)
        assert claim
        return str(claim["spec"]["resources"]["requests"]["storage"])

    def fill(self) -> None:
        """Leave no byte free."""
        kept = self.directory / "kept"
        self.on_node("sh", "-c", f"cat /dev/zero > {kept} 2>/dev/null || chmod 666 {kept}")

    def grow(self, mebibytes: int) -> None:
        """Make the file system larger and say so, as a storage driver does when a claim asks for more."""
        self._mount(f"remount,size={mebibytes}m")
        size = {"capacity": {"storage": f"{mebibytes}Mi"}}
        self.kube("patch", "persistentvolume", self.volume, "-p", json.dumps({"spec": size}))
        self.kube("patch", "pvc", self.claim, "--subresource=status", "-p", json.dumps({"status": size}))

    def attach(self, mebibytes: int, *, expandable: bool) -> None:
        """Mount it, and make the claim that the operator will find."""
        self.on_node("mkdir", self.directory)
        self._mount(f"size={mebibytes}m,mode=777")
        storage_class = "own-disk" if expandable else "own-disk-of-fixed-size"
        for thing in self._objects(f"{mebibytes}Mi", storage_class, expandable=expandable):
            self.kube.apply(thing)
        bound = "--for=jsonpath={.status.phase}=Bound"
        self.kube("wait", f"pvc/{self.claim}", bound, "--timeout=30s")

    def detach(self) -> None:
        """At once, whoever may still use it: a test that failed leaves nothing behind."""
        self.kube("delete", "pvc", self.claim, "--ignore-not-found", "--wait=false")
        self.kube("delete", "pv", self.volume, "--ignore-not-found", "--wait=false")
        self.on_node("umount", "--lazy", self.directory)
        self.on_node("rmdir", self.directory)

    def _mount(self, options: str) -> None:
        self.on_node("mount", "-t", "tmpfs", "-o", options, self.volume, self.directory)

    def on_node(self, *command: str | Path) -> None:
        """Run a command where the disk is seen."""
        there = ["nsenter", f"--target={self.node_process}", "--mount", "--pid"]
        subprocess.run([*there, *command], check=True)

    def _objects(self, size: str, storage_class: str, *, expandable: bool) -> Iterator[dict[str, Any]]:
        common = {"storageClassName": storage_class, "accessModes": ["ReadWriteOnce"]}
        yield {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": storage_class},
            "provisioner": "kubernetes.io/no-provisioner",
            "allowVolumeExpansion": expandable,
        }
        yield {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": self.volume},
            "spec": {
                **common,
                "capacity": {"storage": size},
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": self.kube.namespace, "name": self.claim},
                "hostPath": {"path": str(self.directory)},
            },
        }
        yield {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": self.claim, "annotations": {"carrel.dev/owner": self.owner}},
            "spec": {**common, "volumeName": self.volume, "resources": {"requests": {"storage": size}}},
        }


@contextmanager
def own_disk(owner: str, platform: Platform, mebibytes: int, *, expandable: bool = True) -> Iterator[OwnDisk]:
    """Give a person who has no home yet one of that size."""
    process = node.init(instance(platform.instance, numbers()))
    assert process, "only a cluster that carrel_local made can be given a disk"
    disk = OwnDisk(owner, Kubectl(platform.kubeconfig), process)
    disk.attach(mebibytes, expandable=expandable)
    try:
        yield disk
    finally:
        disk.detach()


def small_home(somebody: Person, platform: Platform, kube: Kubectl) -> AbstractContextManager[OwnDisk]:
    """A home of 64 MiB on a disk of its own; the Notebook says so, or the release's default would make it grow."""
    kube.apply(
        {
            "apiVersion": "carrel.dev/v1",
            "kind": "Notebook",
            "metadata": {"name": somebody.name},
            "spec": {
                "owner": somebody.name,
                "running": False,
                "instanceType": "small",
                "image": "datascience",
                "homeSize": "64Mi",
            },
        }
    )
    return own_disk(somebody.name, platform, 64)
