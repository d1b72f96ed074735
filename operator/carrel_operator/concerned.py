"""What should be looked at again because of an object that was seen, written or deleted."""

from collections.abc import Iterator

from carrel_operator import backup_view, names
from carrel_operator.api import CLAIM_LABEL, Body
from carrel_operator.cache import Cache
from carrel_operator.places import Key, Place
from carrel_operator.snapshot_seen import is_ours

_OF_PROJECT = names.project_volume("")  # accounts of projects begin alike
_OF_BACKUPS = names.backup_pod(""), names.restore_pod("")
_OF_PROJECTS_PODS = names.preparer(""), names.carer(""), names.cloner("")


def notebooks(cache: Cache, body: Body) -> Iterator[Key]:
    """The Notebooks that should be looked at again because of this object."""
    place = Place.of(body)
    match place.kind:
        case "Notebook":
            owner = body.get("spec", {}).get("owner", "")
            yield Key(place.namespace, place.name)
            yield from _of_user(cache, place.namespace, names.user_label(owner))
        case "InstanceType" | "NotebookImage" | "Project":
            yield from _all(cache)
        case "PersistentVolumeClaim" if place.name.startswith(_OF_PROJECT):
            yield from _all(cache)
        case "VolumeRestore" | "VolumeSnapshot":
            return
        case "ServiceAccount" | "PersistentVolumeClaim" | "VolumeBackup":
            yield from _of_user(cache, place.namespace, names.owner_label_of(place.name))
        case "Pod" if place.name.startswith((*_OF_PROJECTS_PODS, *_OF_BACKUPS)):
            return
        case _:
            key = Key(place.namespace, place.name.removeprefix("nb-"))
            if cache.entry("Notebook", key.namespace, key.name):
                yield key


def project(cache: Cache, body: Body) -> Key | None:
    """The Project that should be looked at again because of this object."""
    place = Place.of(body)
    if place.kind == "Project":
        return Key(place.namespace, place.name)
    if not place.name.startswith((_OF_PROJECT, *_OF_PROJECTS_PODS)):
        return None
    name = place.name.partition("-")[2]
    if place.kind == "ServiceAccount":
        name = name.rpartition("-")[0]
    return Key(place.namespace, name) if cache.entry("Project", place.namespace, name) else None


def claim(body: Body) -> Key | None:
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


def restores(cache: Cache, body: Body) -> Iterator[Key]:
    """The VolumeRestores that should be looked at again because of this object."""
    place = Place.of(body)
    if place.kind == "VolumeRestore":
        yield Key(place.namespace, place.name)
    elif place.kind == "Pod" and place.name.startswith(_OF_BACKUPS):
        name = body["metadata"].get("labels", {}).get(CLAIM_LABEL, "")
        yield from backup_view.unfinished_restores_of(cache, name)
    elif place.kind == "VolumeBackup":  # a snapshot has become one, and goes on nowhere else
        yield from backup_view.unfinished_restores_of(cache, body["spec"]["claim"])


def _all(cache: Cache) -> Iterator[Key]:
    yield from (Key(place.namespace, place.name) for place, _ in cache.of_kind("Notebook"))


def _of_user(cache: Cache, namespace: str, user: str) -> Iterator[Key]:
    yield from (Key(namespace, name) for name in sorted(cache.index.notebooks_of(namespace, user)))
