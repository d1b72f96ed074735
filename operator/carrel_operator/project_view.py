"""What the cache knows of Projects: one of them and all that was made for it, or what is true of several."""

from collections.abc import Iterator

from carrel_operator import names
from carrel_operator.api import GRANTS_FINALIZER, Grant, GrantsStatus, InvalidObjectError, Project
from carrel_operator.cache import Cache
from carrel_operator.places import Key
from carrel_operator.project_seen import ProjectSeen

_OF_NOTEBOOK = names.pod("")


def seen(cache: Cache, key: Key) -> ProjectSeen | None:
    """All that is known of a Project; None when there is none. InvalidObjectError when it can't be read."""
    body = cache.body("Project", key.namespace, key.name)
    if body is None:
        return None
    project = Project.parse(body)
    number = cache.accounts.project(project.name, project.metadata.uid)
    account = names.project_account(key.name, number) if number is not None else ""
    return ProjectSeen(
        project=project,
        number=number,
        claim=cache.body("PersistentVolumeClaim", key.namespace, names.project_volume(key.name)),
        preparer=cache.body("Pod", key.namespace, names.preparer(key.name)),
        carer=cache.body("Pod", key.namespace, names.carer(key.name)),
        service_account=cache.body("ServiceAccount", key.namespace, account),
        cloner=cache.body("Pod", key.namespace, names.cloner(key.name)),
    )


def seen_if_readable(cache: Cache, namespace: str, name: str) -> ProjectSeen | None:
    """The same as ``seen``, and None too when it can't be read."""
    try:
        return seen(cache, Key(namespace, name))
    except InvalidObjectError:
        return None


def granted_elsewhere(cache: Cache, key: Key) -> frozenset[Grant]:
    """All that is granted in the warehouse for other Projects."""
    others = (cache.at(each).body for each in cache.index.projects if each.name != key.name)
    return frozenset().union(*(GrantsStatus.parse(each.get("status", {})).grants for each in others))


def regrouped(cache: Cache) -> Iterator[Key]:
    """The Projects that grant datasets by groups which have gained or lost somebody since this was last asked."""
    changed = cache.index.people.changed()
    for place in cache.index.projects if changed else ():
        spec = cache.at(place).body.get("spec", {})
        members = {each.get("group") for each in spec.get("members", ())}
        if spec.get("warehouse", {}).get("datasets") and changed & members:
            yield Key(place.namespace, place.name)


def held(cache: Cache) -> list[Key]:
    """The Projects that have our finalizer."""
    return [
        Key(each.namespace, each.name)
        for each in cache.index.projects
        if GRANTS_FINALIZER in cache.at(each).body["metadata"].get("finalizers", ())
    ]


def in_use(cache: Cache, key: Key) -> bool:
    """Whether any server mounts this project's files; looks through all of them."""
    claim = names.project_volume(key.name)
    return any(
        volume.get("persistentVolumeClaim", {}).get("claimName") == claim
        for place, entry in cache.of_kind("Pod")
        if place.namespace == key.namespace and place.name.startswith(_OF_NOTEBOOK)
        for volume in entry.body["spec"].get("volumes", ())
    )
