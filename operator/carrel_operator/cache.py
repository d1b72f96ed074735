"""The newest version of every object that was seen, by watching it or by writing it ourselves.

Watches tell late: an object that was just written is known from the answer to the write, and the watch's echo of
it is recognised by its version. Versions only grow (they are comparable numbers since Kubernetes 1.35), so an
older one never replaces a newer one, in whatever order they arrive.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from carrel_operator import names
from carrel_operator.accounts import Accounts
from carrel_operator.api import (
    CLAIM_LABEL,
    GRANTS_FINALIZER,
    Body,
    Grant,
    GrantsStatus,
    InstanceType,
    InvalidObjectError,
    Metadata,
    Notebook,
    NotebookImage,
    Project,
    Status,
    VolumeBackup,
    VolumeRestore,
)
from carrel_operator.backup_seen import (
    BackupSeen,
    RestoreSeen,
    VolumeSeen,
    has_ended,
    home_seen,
    owner_of,
    project_files_seen,
    team_home_seen,
    untold,
    uses,
)
from carrel_operator.catalogue import Catalogue
from carrel_operator.people import People
from carrel_operator.project_seen import Membership, ProjectSeen, membership, own_membership
from carrel_operator.seen import PodSeen, Seen, principal_of
from carrel_operator.snapshot_seen import SnapshotSeen, is_leaving, is_ours

_REMEMBERED_DELETIONS = 1000
_OF_NOTEBOOK = names.pod("")
_OF_PROJECT = names.project_volume("")  # accounts of projects begin alike
_OF_BACKUPS = names.backup_pod(""), names.restore_pod("")
_OF_PROJECTS_PODS = names.preparer(""), names.carer(""), names.cloner("")

_Option = TypeVar("_Option", InstanceType, NotebookImage)


@dataclass(frozen=True, slots=True)
class Key:
    """A Notebook by name: what is reconciled."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is, whatever its uid."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, body: Body) -> "Place":
        """The place of an object."""
        metadata = body["metadata"]
        return cls(body["kind"], metadata.get("namespace", ""), metadata["name"])


@dataclass(frozen=True, slots=True)
class _Entry:
    body: Body
    version: int
    ours: bool  # known from the answer to a write of our own
    since: float  # when this uid was first seen, on a clock that never jumps …
    changed: float  # … and when this version was


class Cache:
    """Every object of the watched kinds, kept by place."""

    def __init__(self) -> None:
        self._entries: dict[Place, _Entry] = {}
        self._deleted: dict[Place, int] = {}
        self._heard: set[Place] = set()
        self._of_user: dict[tuple[str, str], set[str]] = {}
        self._projects: set[Place] = set()
        self._restores: set[Place] = set()
        self._snapshots: dict[tuple[str, str], set[Place]] = {}  # by namespace and repository
        self._catalogue: Catalogue | None = None
        self.people = People()
        self.accounts = Accounts()  # as far as the registry has read or given them

    def see(self, body: Body, *, ours: bool = False) -> None:
        """Take in a version of an object, unless a newer one, or its end, is known."""
        place, version = Place.of(body), _version(body)
        known = self._entries.get(place)
        if version <= (known.version if known else self._deleted.get(place, 0)):
            return
        same = known is not None and known.body["metadata"]["uid"] == body["metadata"]["uid"]
        now = time.monotonic()
        since = known.since if known and same else now
        self._entries[place] = _Entry(_slim(body), version, ours, since, now)
        self._deleted.pop(place, None)
        self._index(place, body)

    def forget(self, body: Body) -> None:
        """Take in the end of an object, unless a newer one of the same name is known."""
        place, version = Place.of(body), _version(body)
        known = self._entries.get(place)
        if known and known.version > version:
            return
        self._entries.pop(place, None)
        self._heard.discard(place)
        self._deleted[place] = version
        while len(self._deleted) > _REMEMBERED_DELETIONS:
            del self._deleted[next(iter(self._deleted))]
        self._unindex(place)

    def heard_before(self, body: Body) -> bool:
        """Whether the watch has told of an object in this place before; from now on it has."""
        place = Place.of(body)
        before = place in self._heard
        self._heard.add(place)
        return before

    def missing_from(self, kind: str, names_listed: Collection[str], version: int) -> list[Body]:
        """The objects of a kind that are kept here but were not in a list of that version: their end was missed."""
        return [
            entry.body
            for place, entry in self._entries.items()
            if place.kind == kind and place.name not in names_listed and entry.version <= version
        ]

    def is_echo(self, body: Body) -> bool:
        """Whether the watch tells only what the answer to our own write told before."""
        known = self._entries.get(Place.of(body))
        return known is not None and known.ours and known.version == _version(body)

    def concerned(self, body: Body) -> Iterator[Key]:
        """The Notebooks that should be looked at again because of this object."""
        place = Place.of(body)
        match place.kind:
            case "Notebook":
                owner = body.get("spec", {}).get("owner", "")
                yield Key(place.namespace, place.name)
                yield from self._keys_of_user(place.namespace, names.user_label(owner))
            case "InstanceType" | "NotebookImage" | "Project":
                yield from self._all_keys()
            case "PersistentVolumeClaim" if place.name.startswith(_OF_PROJECT):
                yield from self._all_keys()
            case "VolumeRestore" | "VolumeSnapshot":
                return
            case "ServiceAccount" | "PersistentVolumeClaim" | "VolumeBackup":
                yield from self._keys_of_user(place.namespace, names.owner_label_of(place.name))
            case "Pod" if place.name.startswith((*_OF_PROJECTS_PODS, *_OF_BACKUPS)):
                return
            case _:
                key = Key(place.namespace, place.name.removeprefix("nb-"))
                if Place("Notebook", key.namespace, key.name) in self._entries:
                    yield key

    def concerned_project(self, body: Body) -> Key | None:
        """The Project that should be looked at again because of this object."""
        place = Place.of(body)
        if place.kind == "Project":
            return Key(place.namespace, place.name)
        if not place.name.startswith((_OF_PROJECT, *_OF_PROJECTS_PODS)):
            return None
        name = place.name.partition("-")[2]
        if place.kind == "ServiceAccount":
            name = name.rpartition("-")[0]
        found = Place("Project", place.namespace, name) in self._entries
        return Key(place.namespace, name) if found else None

    def concerned_claim(self, body: Body) -> Key | None:
        """The claim whose backups should be looked at again because of this object."""
        place = Place.of(body)
        match place.kind:
            case "PersistentVolumeClaim":
                return Key(place.namespace, place.name)
            case "Pod" if place.name.startswith(_OF_BACKUPS):
                return Key(place.namespace, body["metadata"].get("labels", {}).get(CLAIM_LABEL, ""))
            case "VolumeSnapshot" if is_ours(body):
                return Key(place.namespace, body["spec"]["source"]["persistentVolumeClaimName"])
            case _:
                return None

    def concerned_restores(self, body: Body) -> Iterator[Key]:
        """The VolumeRestores that should be looked at again because of this object."""
        place = Place.of(body)
        if place.kind == "VolumeRestore":
            yield Key(place.namespace, place.name)
        elif place.kind == "Pod" and place.name.startswith(_OF_BACKUPS):
            claim = body["metadata"].get("labels", {}).get(CLAIM_LABEL, "")
            yield from self._unfinished_of(claim)
        elif place.kind == "VolumeBackup":  # a snapshot has become one, and goes on nowhere else
            yield from self._unfinished_of(body["spec"]["claim"])

    def volume(self, key: Key) -> VolumeSeen | None:
        """A claim as something to back up; None when it is not, or not yet."""
        claim = self.body("PersistentVolumeClaim", key.namespace, key.name)
        if claim is None:
            return None
        if key.name.startswith(_OF_PROJECT):
            project = self._readable_project(key.namespace, key.name.removeprefix(_OF_PROJECT))
            return project_files_seen(project) if project else None
        if team := names.project_of(owner_of(claim)):
            project = self._readable_project(key.namespace, team)
            return team_home_seen(claim, project) if project else None
        return home_seen(claim, self.accounts)

    def backup(self, key: Key) -> BackupSeen | None:
        """All that is known of a claim's backups; None when it is nothing to back up."""
        volume = self.volume(key)
        if volume is None:
            return None
        pod = self._entries.get(Place("Pod", key.namespace, names.backup_pod(volume.repository)))
        return BackupSeen(
            volume=volume,
            backup=self._backup_of(key.namespace, volume.repository),
            pod=pod.body if pod else None,
            pod_age=time.monotonic() - pod.since if pod else 0.0,
            snapshots=self._snapshots_of(key.namespace, volume.repository),
            restoring=any(self._restoring(key)),
            uses=self._uses(key.namespace, volume.whose.owner),
        )

    def restore(self, key: Key) -> RestoreSeen | None:
        """All that is known of a VolumeRestore; None when there is none. InvalidObjectError when it can't be read."""
        body = self.body("VolumeRestore", key.namespace, key.name)
        if body is None:
            return None
        restore = VolumeRestore.parse(body)
        claim = Key(key.namespace, self._claim_of(key, restore))
        volume = self.volume(claim)
        pod = self._entries.get(Place("Pod", key.namespace, names.restore_pod(key.name)))
        repository = volume.repository if volume else ""
        backup = self._backup_of(key.namespace, repository)
        snapshots = self._snapshots_of(key.namespace, repository)
        backs_up = self.body("Pod", key.namespace, names.backup_pod(repository)) or untold(backup, snapshots)
        return RestoreSeen(
            restore=restore,
            volume=volume,
            backup=backup,
            pod=pod.body if pod else None,
            pod_age=time.monotonic() - pod.since if pod else 0.0,
            snapshots=snapshots,
            busy=backs_up is not None or any(each != key for each in self._restoring(claim)),
        )

    def servers_of(self, namespace: str, owner: str) -> list[Key]:
        """The Notebooks of a person."""
        return list(self._keys_of_user(namespace, names.user_label(owner)))

    def project(self, key: Key) -> ProjectSeen | None:
        """All that is known of a Project; None when there is none. InvalidObjectError when it can't be read."""
        entry = self._entries.get(Place("Project", key.namespace, key.name))
        if entry is None:
            return None
        project = Project.parse(entry.body)
        number = self.accounts.project(project.name, project.metadata.uid)
        account = names.project_account(key.name, number) if number is not None else ""
        return ProjectSeen(
            project=project,
            number=number,
            claim=self.body("PersistentVolumeClaim", key.namespace, names.project_volume(key.name)),
            preparer=self.body("Pod", key.namespace, names.preparer(key.name)),
            carer=self.body("Pod", key.namespace, names.carer(key.name)),
            service_account=self.body("ServiceAccount", key.namespace, account),
            cloner=self.body("Pod", key.namespace, names.cloner(key.name)),
        )

    def granted_elsewhere(self, key: Key) -> frozenset[Grant]:
        """All that is granted in the warehouse for other Projects."""
        others = (self._entries[each].body for each in self._projects if each.name != key.name)
        return frozenset().union(*(GrantsStatus.parse(each.get("status", {})).grants for each in others))

    def regrouped(self) -> Iterator[Key]:
        """The Projects that grant datasets by groups which have gained or lost somebody since this was last asked."""
        changed = self.people.changed()
        for place in self._projects if changed else ():
            spec = self._entries[place].body.get("spec", {})
            members = {each.get("group") for each in spec.get("members", ())}
            if spec.get("warehouse", {}).get("datasets") and changed & members:
                yield Key(place.namespace, place.name)

    def held(self) -> list[Key]:
        """The Projects that have our finalizer."""
        return [
            Key(each.namespace, each.name)
            for each in self._projects
            if GRANTS_FINALIZER in self._entries[each].body["metadata"].get("finalizers", ())
        ]

    def in_use(self, key: Key) -> bool:
        """Whether any server mounts this project's files; looks through all of them."""
        claim = names.project_volume(key.name)
        return any(
            volume.get("persistentVolumeClaim", {}).get("claimName") == claim
            for place, entry in self._entries.items()
            if place.kind == "Pod"
            and place.namespace == key.namespace
            and place.name.startswith(_OF_NOTEBOOK)
            for volume in entry.body["spec"].get("volumes", ())
        )

    def body(self, kind: str, namespace: str, name: str) -> Body | None:
        """The newest version of one object."""
        entry = self._entries.get(Place(kind, namespace, name))
        return entry.body if entry else None

    def seen(self, key: Key) -> Seen | None:
        """All that is known of a Notebook; None when there is none. InvalidObjectError when it can't be read."""
        entry = self._entries.get(Place("Notebook", key.namespace, key.name))
        if entry is None:
            return None
        notebook = Notebook.parse(entry.body)
        catalogue, team = self.catalogue(), self._team(notebook)
        principal = principal_of(notebook.owner, team)
        pod = self._entries.get(Place("Pod", key.namespace, names.pod(key.name)))
        home = self._entries.get(Place("PersistentVolumeClaim", key.namespace, principal.home))
        groups = team.project.groups if team else notebook.owner_groups
        backups = names.repository(principal.home)
        now = time.monotonic()
        return Seen(
            notebook=notebook,
            relatives=self._relatives(notebook),
            instance_type=catalogue.instance_types.get(notebook.instance_type),
            image=catalogue.images.get(notebook.image),
            refusal=catalogue.refusal(notebook.instance_type, notebook.image, groups),
            service_account=self.body("ServiceAccount", key.namespace, principal.service_account),
            home=home.body if home else None,
            service=self.body("Service", key.namespace, names.service(key.name)),
            network_policy=self.body("NetworkPolicy", key.namespace, names.network_policy(key.name)),
            pod=PodSeen.parse(pod.body, now - pod.since, now - pod.changed) if pod else None,
            age=now - entry.since,
            home_settled=now - home.changed if home else 0.0,
            uid=team.number if team else self.accounts.people.get(names.slug(notebook.owner)),
            memberships=tuple(self._memberships(notebook, team)),
            team=team,
            backup=self._backup_of(key.namespace, backups),
            backup_age=self._backup_age(key.namespace, backups, now),
            uses=self._uses(key.namespace, notebook.owner),
        )

    def unreadable(self, key: Key) -> tuple[Metadata, Status]:
        """The little that can be read of a Notebook whose spec can't be."""
        body = self._entries[Place("Notebook", key.namespace, key.name)].body
        return Metadata.parse(body), Status.parse(body.get("status", {}))

    def catalogue(self) -> Catalogue:
        """The instance types and images, without those that can't be read."""
        if self._catalogue is None:
            self._catalogue = Catalogue(
                instance_types={each.name: each for each in self._readable("InstanceType", InstanceType)},
                images={each.name: each for each in self._readable("NotebookImage", NotebookImage)},
            )
        return self._catalogue

    def _readable(self, kind: str, parser: type[_Option]) -> Iterator[_Option]:
        for place, entry in self._entries.items():
            if place.kind == kind:
                try:
                    yield parser.parse(entry.body)
                except InvalidObjectError:
                    continue

    def _relatives(self, notebook: Notebook) -> tuple[Metadata, ...]:
        """The Notebooks that share this one's home: those of the same owner that bear their right names."""
        found = []
        namespace = notebook.metadata.namespace
        for name in sorted(self._of_user.get((namespace, names.user_label(notebook.owner)), ())):
            body = self._entries[Place("Notebook", namespace, name)].body
            spec, metadata = body["spec"], Metadata.parse(body)
            right = names.notebook(notebook.owner, spec.get("server", ""))
            if spec.get("owner") == notebook.owner and metadata.name == right and not metadata.deleting:
                found.append(metadata)
        return tuple(found)

    def _team(self, notebook: Notebook) -> ProjectSeen | None:
        """The project whose server this is, while it is there and has its number."""
        if not notebook.project or notebook.owner != names.team(notebook.project):
            return None
        found = self._readable_project(notebook.metadata.namespace, notebook.project)
        return found if found and found.number is not None and not found.project.metadata.deleting else None

    def _memberships(self, notebook: Notebook, team: ProjectSeen | None) -> Iterator[Membership]:
        if notebook.project:
            own = own_membership(team) if team else None
            yield from (own,) if own else ()
            return
        namespace = notebook.metadata.namespace
        for place in sorted(self._projects, key=lambda each: each.name):
            if place.namespace != namespace:
                continue
            project = self._readable_project(namespace, place.name)
            if project and (found := membership(project, notebook.owner, notebook.owner_groups)):
                yield found

    def _readable_project(self, namespace: str, name: str) -> ProjectSeen | None:
        """The same as ``project``, and None too when it can't be read."""
        try:
            return self.project(Key(namespace, name))
        except InvalidObjectError:
            return None

    def _claim_of(self, key: Key, restore: VolumeRestore) -> str:
        """The claim that a VolumeRestore is for; empty when its project has no number."""
        whose = restore.whose
        if whose.project:
            return names.project_volume(whose.project)
        team = names.project_of(whose.owner)
        if not team:
            return names.home(whose.owner)
        project = self._readable_project(key.namespace, team)
        if project is None or project.number is None:
            return ""
        return names.project_home(team, project.number)

    def _backup_of(self, namespace: str, repository: str) -> VolumeBackup | None:
        body = self.body("VolumeBackup", namespace, repository)
        try:
            return VolumeBackup.parse(body) if body else None
        except InvalidObjectError:
            return None

    def _snapshots_of(self, namespace: str, repository: str) -> tuple[SnapshotSeen, ...]:
        """The snapshots that are backups of a volume and there to stay."""
        now = time.monotonic()
        entries = [self._entries[place] for place in self._snapshots.get((namespace, repository), ())]
        return tuple(
            SnapshotSeen(each.body, now - each.since)
            for each in entries
            if is_ours(each.body) and not is_leaving(each.body)
        )

    def _backup_age(self, namespace: str, repository: str, now: float) -> float:
        pod = self._entries.get(Place("Pod", namespace, names.backup_pod(repository)))
        if pod is not None:
            return now - pod.since
        made = untold(self._backup_of(namespace, repository), self._snapshots_of(namespace, repository))
        return made.age if made else 0.0

    def _uses(self, namespace: str, owner: str) -> str:
        servers = []
        for name in self._of_user.get((namespace, names.user_label(owner)), ()):
            body = self._entries[Place("Notebook", namespace, name)].body
            if body["spec"].get("owner") == owner:
                has_pod = Place("Pod", namespace, names.pod(name)) in self._entries
                servers.append((Notebook.parse(body), has_pod))
        return uses(servers)

    def _unfinished(self) -> Iterator[tuple[Key, VolumeRestore]]:
        for place in self._restores:
            try:
                restore = VolumeRestore.parse(self._entries[place].body)
            except InvalidObjectError:
                continue
            if restore.status.phase is None or not restore.status.phase.is_over:
                yield Key(place.namespace, place.name), restore

    def _unfinished_of(self, claim: str) -> Iterator[Key]:
        yield from (key for key, restore in self._unfinished() if self._claim_of(key, restore) == claim)

    def _restoring(self, claim: Key) -> Iterator[Key]:
        """The VolumeRestores of a claim whose pod is at work."""
        for key, restore in self._unfinished():
            pod = self.body("Pod", key.namespace, names.restore_pod(key.name))
            if pod is not None and not has_ended(pod) and self._claim_of(key, restore) == claim.name:
                yield key

    def _all_keys(self) -> Iterator[Key]:
        yield from (Key(each.namespace, each.name) for each in self._entries if each.kind == "Notebook")

    def _keys_of_user(self, namespace: str, user: str) -> Iterator[Key]:
        yield from (Key(namespace, name) for name in sorted(self._of_user.get((namespace, user), ())))

    def _index(self, place: Place, body: Body) -> None:
        if place.kind == "Notebook":
            user = names.user_label(body.get("spec", {}).get("owner", ""))
            self._of_user.setdefault((place.namespace, user), set()).add(place.name)
            self.people.see(place, body)
        elif place.kind == "Project":
            self._projects.add(place)
        elif place.kind == "VolumeRestore":
            self._restores.add(place)
        elif place.kind == "VolumeSnapshot":
            self._snapshots.setdefault(_backups_of(place), set()).add(place)
        elif place.kind in {"InstanceType", "NotebookImage"}:
            self._catalogue = None

    def _unindex(self, place: Place) -> None:
        if place.kind == "Notebook":
            for user, notebooks in list(self._of_user.items()):
                notebooks.discard(place.name)
                if not notebooks:
                    del self._of_user[user]
            self.people.forget(place)
        elif place.kind == "Project":
            self._projects.discard(place)
        elif place.kind == "VolumeRestore":
            self._restores.discard(place)
        elif place.kind == "VolumeSnapshot" and (left := self._snapshots.pop(_backups_of(place), None)):
            if left := left - {place}:
                self._snapshots[_backups_of(place)] = left
        elif place.kind in {"InstanceType", "NotebookImage"}:
            self._catalogue = None


def _backups_of(place: Place) -> tuple[str, str]:
    return place.namespace, names.repository_of(place.name)


def _version(body: Body) -> int:
    return int(body["metadata"]["resourceVersion"])


def _slim(body: Body) -> Body:
    """The object without the record of who set which field: a third of its size, and never asked for."""
    metadata: Mapping[str, Any] = {
        key: value for key, value in body["metadata"].items() if key != "managedFields"
    }
    return {**body, "metadata": metadata}
