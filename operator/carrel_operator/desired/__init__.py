"""What should exist for a Notebook, as one value made in one call from what is seen and from the settings."""

from dataclasses import dataclass
from enum import Enum

from carrel_operator import names
from carrel_operator.api import Body
from carrel_operator.desired.expansion import expansion
from carrel_operator.desired.home import home
from carrel_operator.desired.image_change import image_of_home, waits_for_backup
from carrel_operator.desired.membership import has_too_much
from carrel_operator.desired.metadata import pod_metadata
from carrel_operator.desired.network_policy import network_policy
from carrel_operator.desired.pod import pod
from carrel_operator.desired.resize import Resize, has_size, resize
from carrel_operator.desired.service import service
from carrel_operator.desired.service_account import service_account
from carrel_operator.obstacles import identity_obstacle, obstacle, team_obstacle
from carrel_operator.seen import PodSeen, Seen
from carrel_operator.settings import Settings

__all__ = ["DesiredSet", "PodFate", "Resize", "desired_set"]

# A pod that a node refuses right after its birth would be refused again at once: so it is not replaced sooner.
REPLACED_AFTER = 30.0


class PodFate(Enum):
    """What should become of the pod that is seen, or of the place where none is."""

    LEAVE = "leave"
    CREATE = "create"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class DesiredSet:
    """Everything that should exist for one Notebook; None is a child that is left as it is, or absent."""

    fate: PodFate
    service_account: Body | None = None
    home: Body | None = None
    service: Body | None = None
    network_policy: Body | None = None
    pod: Body | None = None  # whole when it is to be made; later only the metadata that keeps it ours
    resize: Resize | None = None  # of the pod that runs
    home_size: str | None = None  # that the home should be asked to grow to
    look_again_in: float | None = None  # seconds until the passing of time alone changes the answer
    backup_first: str | None = None  # the claim that is to be backed up before the pod is made


def desired_set(seen: Seen, settings: Settings) -> DesiredSet:
    """The children that this Notebook should have now.

    A stopped Notebook keeps its children and asks for none, but its home may be made larger. One whose name
    or home is somebody else's touches nothing.
    """
    stranger = identity_obstacle(seen) is not None
    home_size, grows_in = (None, None) if stranger else expansion(seen, settings)
    if not seen.notebook.running:
        fate = PodFate.DELETE if _can_be_deleted(seen.pod) else PodFate.LEAVE
        return DesiredSet(fate=fate, home_size=home_size)
    if stranger:
        return DesiredSet(fate=PodFate.DELETE if _lost_its_project(seen) else PodFate.LEAVE)
    obstructed = obstacle(seen) is not None
    fate, look_again_in = _fate(seen, obstructed=obstructed)
    if obstructed and not seen.current_pod:
        return DesiredSet(fate=fate)
    body: Body | None = None
    image, backup_first = image_of_home(seen), None
    if fate is PodFate.CREATE and waits_for_backup(seen, settings):
        patience = settings.backup.patience_before_image_change
        fate, look_again_in, backup_first = (
            PodFate.LEAVE,
            patience - seen.backup_age,
            seen.principal.home,
        )
    elif fate is PodFate.CREATE and seen.instance_type and seen.image and seen.uid is not None:
        body = pod(seen, seen.uid, seen.instance_type, seen.image, settings)
        image = seen.image.image if settings.backup.enabled else image
    elif seen.current_pod:
        body = pod_metadata(seen.notebook, names.pod(seen.notebook.name))
    return DesiredSet(
        fate=fate,
        # a project has its account whether it has a server or not
        service_account=None if seen.team else service_account(seen.notebook, seen.relatives, settings),
        home=home(seen, settings, image=image),
        service=service(seen.notebook, settings),
        network_policy=network_policy(seen.notebook, settings),
        pod=body,
        resize=resize(seen),
        home_size=home_size,
        look_again_in=look_again_in or grows_in,
        backup_first=backup_first,
    )


def _fate(seen: Seen, *, obstructed: bool) -> tuple[PodFate, float | None]:
    """What should become of a running Notebook's pod, and when to ask again if only time can tell."""
    pod_seen = seen.pod
    if has_too_much(seen):
        return (PodFate.DELETE if _can_be_deleted(pod_seen) else PodFate.LEAVE), None
    if obstructed:  # whoever works in the pod that exists goes on working
        return PodFate.LEAVE, None
    if pod_seen is None:
        return PodFate.CREATE, None
    if seen.current_pod is None:
        return (PodFate.DELETE if _can_be_deleted(pod_seen) else PodFate.LEAVE), None
    if pod_seen.lost:
        wait = REPLACED_AFTER - pod_seen.age
        return (PodFate.LEAVE, wait) if wait > 0 else (PodFate.DELETE, None)
    waits_at_another_size = (
        not pod_seen.node and seen.instance_type is not None and not has_size(pod_seen, seen.instance_type)
    )
    return (PodFate.DELETE if waits_at_another_size else PodFate.LEAVE), None


def _lost_its_project(seen: Seen) -> bool:
    return team_obstacle(seen) is not None and seen.own_pod is not None and _can_be_deleted(seen.own_pod)


def _can_be_deleted(pod_seen: PodSeen | None) -> bool:
    return pod_seen is not None and not pod_seen.terminating and pod_seen.owner_uid is not None
