"""Backups and restores as the hub knows them: it reads what the operator tells, and writes what people wish for."""

import asyncio
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

from carrel_hub.bodies import FIELD_MANAGER
from carrel_hub.projects import may_open
from carrel_operator import names
from carrel_operator.api import API_VERSION, Project, RestorePhase, VolumeBackup, VolumeRestore, Whose
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import UnavailableError
from carrel_operator.mirror import Mirror

_LONG_ENOUGH = 10.0
_NAME_BYTES = 4
_MOST_RESTORES = 50  # of the same files, that are not forgotten yet


@dataclass
class RestoreRefusedError(Exception):
    """What was asked for may not be, or not now; ``message`` is a sentence for the person."""

    status: int
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Files:
    """A home or a project's files that somebody may restore, and its backups as far as there are any."""

    whose: Whose
    title: str
    backup: VolumeBackup | None


class Backups:
    """Every backup and restore of a release; watched from the first time that somebody asks."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self._backups = Mirror(cluster, "VolumeBackup", namespace, VolumeBackup.parse)
        self._restores = Mirror(cluster, "VolumeRestore", namespace, VolumeRestore.parse)
        self._projects = Mirror(cluster, "Project", namespace, Project.parse)

    def open(self) -> None:
        """Begin to watch."""
        for mirror in (self._backups, self._restores, self._projects):
            mirror.open()

    async def close(self) -> None:
        """Let go of the cluster."""
        for mirror in (self._backups, self._restores, self._projects):
            await mirror.close()
        await self._cluster.close()

    async def listed(self) -> None:
        """Wait until everything was seen once; UnavailableError when it can't be read."""
        try:
            async with asyncio.timeout(_LONG_ENOUGH):
                for mirror in (self._backups, self._restores, self._projects):
                    await mirror.listed()
        except TimeoutError as error:
            raise UnavailableError("The backups can't be read from the API server.") from error

    def files_of(self, person: str, groups: Collection[str]) -> list[Files]:
        """What a person may restore: their home, and all that projects have in which they may write.

        A project's own server is no person, and has what the project has.
        """
        team = names.project_of(person)
        home = self._backups.get(names.repository(names.home(person)))
        found = [] if team else [Files(Whose(owner=person), "Your home", home)]
        for project in sorted(self._projects.values(), key=lambda each: each.name):
            if project.name == team or may_open(project, person, groups):
                found += self._of_project(project)
        return found

    def _of_project(self, project: Project) -> Iterator[Files]:
        """The files of a project, and the home of its own server."""
        name, title, number = project.name, project.display_name, project.status.gid
        files = names.repository(names.project_volume(name), number)
        yield Files(Whose(project=name), f"Project {title}", self._backups.get(files))
        home = names.repository(names.project_home(name, number)) if number is not None else ""
        yield Files(
            Whose(owner=names.team(name)), f"Home of the server of project {title}", self._backups.get(home)
        )

    def restores_of(self, whose: Collection[Whose]) -> list[VolumeRestore]:
        """The restores of these files that are under way or were over not long ago, by name."""
        return sorted(
            (each for each in self._restores.values() if each.whose in whose), key=lambda each: each.name
        )

    async def restore(self, whose: Whose, path: str, as_of: str, by: str) -> VolumeRestore:
        """Wish for something back, in the name of whoever asks. RestoreRefusedError says why not; ClusterError that it can't be asked for."""
        kept = self.restores_of([whose])
        if len(kept) >= _MOST_RESTORES:
            message = f"{_MOST_RESTORES} restores of these files were made within a day; restore their folder as a whole, or wait."
            raise RestoreRefusedError(429, message)
        for each in kept:
            if each.status.phase not in {RestorePhase.DONE, RestorePhase.FAILED}:
                raise RestoreRefusedError(
                    409, "A restore of these files is under way; wait until it has ended."
                )
        name = f"{names.slug(by)}-{secrets.token_hex(_NAME_BYTES)}"
        spec = {**whose.body(), "path": path, "requestedBy": by, **({"asOf": as_of} if as_of else {})}
        body = {
            "apiVersion": API_VERSION,
            "kind": "VolumeRestore",
            "metadata": {"name": name, "namespace": self._namespace},
            "spec": spec,
        }
        written = await self._cluster.create(body)
        self._restores.see(written)
        return VolumeRestore.parse(written)


def checked_path(path: object) -> str:
    """A path as it may be asked for; the pod that restores checks it again. RestoreRefusedError names what is wrong."""
    if not isinstance(path, str) or not path.strip():
        raise RestoreRefusedError(400, "Say which file or folder to restore, such as 'work/report.ipynb'.")
    if path.startswith("/") or ".." in path.split("/") or "\0" in path:
        message = f"'{path}' leads out of the files that are backed up: say it as seen from their top, without '..'."
        raise RestoreRefusedError(400, message)
    if len(path) > 4096:
        raise RestoreRefusedError(400, "A path has at most 4096 characters.")
    return path


def views(files: Collection[Files]) -> Iterator[dict[str, object]]:
    """The backups of each of them, as the API tells."""
    for each in files:
        status = each.backup.status if each.backup else None
        yield {
            "owner": each.whose.owner,
            "project": each.whose.project,
            "title": each.title,
            "message": status.message if status else "There is no backup yet.",
            "last_at": (status.last_at if status else "") or None,
            "snapshots": [{"id": one.id, "at": one.at} for one in status.snapshots] if status else [],
        }


def restore_view(restore: VolumeRestore) -> dict[str, object]:
    """One restore, as the API tells."""
    status = restore.status
    return {
        "name": restore.name,
        "owner": restore.whose.owner,
        "project": restore.whose.project,
        "path": restore.path,
        "as_of": restore.as_of or None,
        "phase": str(status.phase or RestorePhase.WAITING),
        "message": status.message or "It is about to begin.",
        "into": status.into or None,
        "finished_at": status.finished_at or None,
    }


@cache
def shared(namespace: str) -> Backups:
    """The one view that all handlers of a hub share; the first who asks opens it."""
    backups = Backups(Cluster.connect(FIELD_MANAGER), namespace)
    backups.open()
    return backups
