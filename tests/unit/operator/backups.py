"""Volumes to back up, what is known of them, and a cluster in which the operator does it."""

import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from carrel_operator import api
from carrel_operator.accounts import Accounts
from carrel_operator.api import BackupStatus, Metadata, VolumeBackup, Whose
from carrel_operator.backup_reconcile import BackupReconciler
from carrel_operator.backup_seen import VolumeSeen
from carrel_operator.cache import Cache
from carrel_operator.places import Key
from carrel_operator.registry import Registry
from carrel_operator.restore_reconcile import RestoreReconciler
from carrel_operator.settings import Settings, parse
from unit.operator.api_server import ApiServer
from unit.operator.worlds import home

ON = parse(
    {
        "namespace": "carrel",
        "backup": {
            "enabled": True,
            "image": "example.org/backup:1",
            "timeZone": "Europe/Berlin",
            "exclude": [".cache"],
            "concurrency": 1,
            "resources": {"limits": {"memory": "1Gi"}},
        },
    }
)
NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


def claim(owner: str = "ada", **annotations: str) -> dict[str, Any]:
    body = deepcopy(home(owner))
    body |= {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    body["metadata"] |= {
        "namespace": "carrel",
        "uid": f"uid-{owner}",
        "creationTimestamp": "2026-11-01T10:00:00Z",
    }
    body["metadata"]["annotations"] |= annotations
    return body


HOME = VolumeSeen(Whose(owner="ada"), claim(), 20_000, 1000)
FILES = VolumeSeen(
    Whose(project="sales"),
    {
        "metadata": {
            "name": "project-sales",
            "namespace": "carrel",
            "creationTimestamp": "2026-11-01T10:00:00Z",
        }
    },
    20_005,
    20_005,
)


def backup(of: VolumeSeen = HOME, **status: Any) -> VolumeBackup:
    known = BackupStatus(last_at="2026-11-26T01:30:05Z", attempted_at="2026-11-26T01:30:05Z", uses="u1")
    return VolumeBackup(Metadata(of.repository, "carrel"), of.whose, of.name, replace(known, **status))


def ended(body: dict[str, Any], outcome: dict[str, Any] | str, phase: str = "Succeeded") -> dict[str, Any]:
    message = outcome if isinstance(outcome, str) else json.dumps(outcome)
    terminated = {"terminated": {"message": message}}
    return {**body, "status": {"phase": phase, "containerStatuses": [{"state": terminated}]}}


GOOD = {
    "message": "3 files are backed up.",
    "id": "60c4cbd1",
    "at": "2026-11-27T10:00:00+01:00",
    "files": 3,
    "bytes": 7,
    "unreadable": 0,
    "snapshots": [{"id": "60c4cbd1", "at": "2026-11-27T10:00:00+01:00"}],
}

CLAIMS, PODS_PATH = "/api/v1/namespaces/carrel/persistentvolumeclaims", "/api/v1/namespaces/carrel/pods"
OWN = "/apis/carrel.dev/v1/namespaces/carrel"
ACCOUNTS = "/api/v1/namespaces/carrel/configmaps/accounts"


class World:
    """A cluster with two homes, and the operator that cares for their backups."""

    def __init__(self, settings: Settings = ON) -> None:
        self.server, self.cache = ApiServer(), Cache()
        cluster = self.server.cluster()
        for owner in ("ada", "alan"):
            self.server.put(f"{CLAIMS}/home-{owner}", claim(owner))
        data = Accounts(people={"ada": 20_000, "alan": 20_001}).data()
        self.server.put(ACCOUNTS, {"kind": "ConfigMap", "metadata": {"name": "accounts"}, "data": data})
        self.woken: list[Key] = []
        registry = Registry(cluster, self.cache, "carrel")
        self.backups = BackupReconciler(cluster, self.cache, settings, registry, self.woken.append)
        self.restores = RestoreReconciler(cluster, self.cache, settings, registry)

    async def back_up(self, owner: str = "ada") -> list[str]:
        """Look at the backups of a home; the result is what was written."""
        self.server.writes.clear()
        self.server.show(self.cache)
        await self.backups.reconcile(Key("carrel", f"home-{owner}"))
        return list(self.server.writes)

    async def restore(self, name: str = "ada-1") -> str:
        """Look at a restore until there is nothing to do; the result is what is said of it."""
        self.server.show(self.cache)
        while await self.restores.reconcile(Key("carrel", name)) == 0.0:
            pass
        status = self.server.objects[f"{OWN}/volumerestores/{name}"].get("status", {})
        return f"{status.get('phase')}: {status.get('message')}"

    def wish(self, name: str = "ada-1", path: str = "a.ipynb", owner: str = "ada") -> None:
        body = {
            "apiVersion": api.API_VERSION,
            "kind": "VolumeRestore",
            "spec": {"owner": owner, "path": path},
        }
        self.server.put(
            f"{OWN}/volumerestores/{name}", body | {"metadata": {"name": name, "namespace": "carrel"}}
        )

    def end(self, name: str, outcome: dict[str, Any] | str, phase: str = "Succeeded") -> None:
        path = f"{PODS_PATH}/{name}"
        self.server.put(path, ended(self.server.objects[path], outcome, phase))

    def forget(self) -> None:
        for body in self.server.deleted:
            self.cache.forget(body)
