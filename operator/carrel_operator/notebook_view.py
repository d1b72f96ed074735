"""What the cache knows of a Notebook and everything that belongs to it."""

import time
from collections.abc import Iterator

from carrel_operator import backup_view, names, project_view
from carrel_operator.api import Metadata, Notebook, Status
from carrel_operator.cache import Cache
from carrel_operator.places import Key, Place
from carrel_operator.project_seen import Membership, ProjectSeen, membership, own_membership
from carrel_operator.seen import PodSeen, Seen, principal_of


def seen(cache: Cache, key: Key) -> Seen | None:
    """All that is known of a Notebook; None when there is none. InvalidObjectError when it can't be read."""
    entry = cache.entry("Notebook", key.namespace, key.name)
    if entry is None:
        return None
    notebook = Notebook.parse(entry.body)
    catalogue, team = cache.catalogue(), _team(cache, notebook)
    principal = principal_of(notebook.owner, team)
    pod = cache.entry("Pod", key.namespace, names.pod(key.name))
    home = cache.entry("PersistentVolumeClaim", key.namespace, principal.home)
    groups = team.project.groups if team else notebook.owner_groups
    backups = names.repository(principal.home)
    now = time.monotonic()
    return Seen(
        notebook=notebook,
        relatives=_relatives(cache, notebook),
        instance_type=catalogue.instance_types.get(notebook.instance_type),
        image=catalogue.images.get(notebook.image),
        refusal=catalogue.refusal(notebook.instance_type, notebook.image, groups),
        service_account=cache.body("ServiceAccount", key.namespace, principal.service_account),
        home=home.body if home else None,
        service=cache.body("Service", key.namespace, names.service(key.name)),
        network_policy=cache.body("NetworkPolicy", key.namespace, names.network_policy(key.name)),
        pod=PodSeen.parse(pod.body, now - pod.since, now - pod.changed) if pod else None,
        age=now - entry.since,
        home_settled=now - home.changed if home else 0.0,
        uid=team.number if team else cache.accounts.people.get(names.slug(notebook.owner)),
        memberships=tuple(_memberships(cache, notebook, team)),
        team=team,
        backup=backup_view.backup_of(cache, key.namespace, backups),
        backup_age=backup_view.backup_age(cache, key.namespace, backups, now),
        uses=backup_view.uses_of_home(cache, key.namespace, notebook.owner),
    )


def unreadable(cache: Cache, key: Key) -> tuple[Metadata, Status]:
    """The little that can be read of a Notebook whose spec can't be."""
    body = cache.at(Place("Notebook", key.namespace, key.name)).body
    return Metadata.parse(body), Status.parse(body.get("status", {}))


def servers_of(cache: Cache, namespace: str, owner: str) -> list[Key]:
    """The Notebooks of a person."""
    return [Key(namespace, name) for name in _names_of(cache, namespace, owner)]


def _names_of(cache: Cache, namespace: str, owner: str) -> list[str]:
    return sorted(cache.index.notebooks_of(namespace, names.user_label(owner)))


def _relatives(cache: Cache, notebook: Notebook) -> tuple[Metadata, ...]:
    """The Notebooks that share this one's home: those of the same owner that bear their right names."""
    found = []
    namespace = notebook.metadata.namespace
    for name in _names_of(cache, namespace, notebook.owner):
        body = cache.at(Place("Notebook", namespace, name)).body
        spec, metadata = body["spec"], Metadata.parse(body)
        right = names.notebook(notebook.owner, spec.get("server", ""))
        if spec.get("owner") == notebook.owner and metadata.name == right and not metadata.deleting:
            found.append(metadata)
    return tuple(found)


def _team(cache: Cache, notebook: Notebook) -> ProjectSeen | None:
    """The project whose server this is, while it is there and has its number."""
    if not notebook.project or notebook.owner != names.team(notebook.project):
        return None
    found = project_view.seen_if_readable(cache, notebook.metadata.namespace, notebook.project)
    return found if found and found.number is not None and not found.project.metadata.deleting else None


def _memberships(cache: Cache, notebook: Notebook, team: ProjectSeen | None) -> Iterator[Membership]:
    if notebook.project:
        own = own_membership(team) if team else None
        yield from (own,) if own else ()
        return
    namespace = notebook.metadata.namespace
    for place in sorted(cache.index.projects, key=lambda each: each.name):
        if place.namespace != namespace:
            continue
        project = project_view.seen_if_readable(cache, namespace, place.name)
        if project and (found := membership(project, notebook.owner, notebook.owner_groups)):
            yield found
