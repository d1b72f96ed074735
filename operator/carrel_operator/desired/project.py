"""What should exist for a Project: its account, the volume, and once the pod that makes it ready for its members."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from carrel_operator import api, names
from carrel_operator.api import Body, Project
from carrel_operator.desired.expansion import requested_size
from carrel_operator.desired.volume_pod import (
    VOLUME_PATH,
    child_of_project,
    owner_reference,
    volume_container,
    volume_pod,
)
from carrel_operator.project_seen import FILES, ProjectSeen
from carrel_operator.quantities import number as amount
from carrel_operator.settings import Settings


@dataclass(frozen=True, slots=True)
class ProjectSet:
    """Everything that should exist for one Project; None is a child that is left as it is, or absent."""

    service_account: Body | None = None
    claim: Body | None = None
    size: str | None = None  # that the claim should be asked to grow to
    preparer: Body | None = None
    preparer_goes: bool = False


def project_set(seen: ProjectSeen, settings: Settings, marks: Mapping[str, str]) -> ProjectSet:
    """The children that this Project should have now; the volume of a former one is not touched.

    ``marks`` are more annotations of the claim, which say how its files are.
    """
    if seen.number is None:
        return ProjectSet()
    account = _service_account(seen.project, seen.number, settings)
    if seen.of_a_former_project or seen.being_deleted:
        return ProjectSet(service_account=account)
    done = seen.prepared or seen.preparer_done
    return ProjectSet(
        service_account=account,
        claim=_claim(seen, seen.number, settings, marks if done else {}, prepared=done),
        size=_larger(seen),
        preparer=None if done or seen.preparer else _preparer(seen.project, seen.number, settings),
        preparer_goes=seen.prepared and seen.preparer is not None,
    )


def _service_account(project: Project, number: int, settings: Settings) -> dict[str, Any]:
    """The name by which the warehouse knows the project; it ends with the Project, and its tokens with it."""
    account = child_of_project(project, "ServiceAccount", names.project_account(project.name, number))
    account["metadata"] |= {
        "annotations": {
            **settings.identity.service_account_annotations,
            api.OWNER_ANNOTATION: names.team(project.name),
        },
        "ownerReferences": [owner_reference(project)],
    }
    account["automountServiceAccountToken"] = False
    return account


def _claim(
    seen: ProjectSeen, number: int, settings: Settings, marks: Mapping[str, str], *, prepared: bool
) -> dict[str, Any]:
    """Without an owner reference: a team's files outlive the Project object."""
    project = seen.project
    claim = child_of_project(project, "PersistentVolumeClaim", names.project_volume(project.name))
    claim["metadata"]["annotations"] = {
        api.PROJECT_UID_ANNOTATION: project.metadata.uid,
        api.GID_ANNOTATION: str(number),
        **({api.PREPARED_ANNOTATION: str(number)} if prepared else {}),
        **marks,
    }
    if seen.claim is not None:
        return claim
    claim["spec"] = {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": project.volume_size or settings.projects.size}},
    }
    if storage_class := project.storage_class or settings.projects.storage_class:
        claim["spec"]["storageClassName"] = storage_class
    return claim


def _larger(seen: ProjectSeen) -> str | None:
    asked = seen.project.volume_size
    if seen.claim is None or asked is None or amount(asked) <= amount(requested_size(seen.claim)):
        return None
    return asked


def _preparer(project: Project, number: int, settings: Settings) -> dict[str, Any]:
    """A folder of the project's own group whose new files are of that group too; no root is needed for that."""
    make = f"install --directory --mode=2770 --group={number} {VOLUME_PATH}/{FILES}"
    prepare = volume_container("prepare", ["sh", "-c", make], settings)
    return volume_pod(project, names.preparer(project.name), number, [prepare], settings)
