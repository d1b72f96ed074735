"""The words that objects are marked and described with: labels, phases, reasons."""

from enum import Enum, StrEnum

GROUP = "carrel.dev"
VERSION = "v1"
API_VERSION = f"{GROUP}/{VERSION}"

NOTEBOOK_LABEL = f"{GROUP}/notebook"
USER_LABEL = f"{GROUP}/user"
OWNER_ANNOTATION = f"{GROUP}/owner"
SERVER_ANNOTATION = f"{GROUP}/server"
SESSION_ANNOTATION = f"{GROUP}/session"
INSTANCE_TYPE_ANNOTATION = f"{GROUP}/instance-type"
IMAGE_ANNOTATION = f"{GROUP}/image"
NOTICE_ANNOTATION = f"{GROUP}/notice"
STARTED_BY_ANNOTATION = f"{GROUP}/started-by"
RESIZED_BY_ANNOTATION = f"{GROUP}/resized-by"
STOPPED_BY_ANNOTATION = f"{GROUP}/stopped-by"
PROJECT_LABEL = f"{GROUP}/project"
PROJECT_UID_ANNOTATION = f"{GROUP}/project-uid"
GID_ANNOTATION = f"{GROUP}/gid"
PREPARED_ANNOTATION = f"{GROUP}/prepared"
SURVEY_ANNOTATION = f"{GROUP}/survey"
REPAIR_ANNOTATION = f"{GROUP}/repair"  # asked for, on the Project; done, on the claim
REPOSITORY_ANNOTATION = f"{GROUP}/repository"  # what came of cloning it, on the claim
ROUND_ANNOTATION = f"{GROUP}/round"
STOPPED_BECAUSE_ANNOTATION = f"{GROUP}/stopped-because"
STOPPED_SESSION_ANNOTATION = f"{GROUP}/stopped-session"
BACKUP_NOW_ANNOTATION = f"{GROUP}/backup-now"
CLAIM_LABEL = f"{GROUP}/claim"
GRANTS_FINALIZER = f"{GROUP}/grants"  # on a Project for as long as something is granted for it


class Phase(StrEnum):
    """Where a notebook is in its life, in one word."""

    STOPPED = "Stopped"
    PENDING = "Pending"
    STARTING = "Starting"
    RUNNING = "Running"
    STOPPING = "Stopping"
    FAILED = "Failed"


class ResizeState(StrEnum):
    """How far the size that the spec names is the size of the running server."""

    APPLIED = "Applied"
    IN_PROGRESS = "InProgress"
    DEFERRED = "Deferred"  # it comes by itself when the node has room
    INFEASIBLE = "Infeasible"  # only a restart can do it
    REFUSED = "Refused"  # for as long as more is in use, or not allowed at all
    PENDING = "Pending"  # until the next start, because the admin wants it so


class ChangePolicy(StrEnum):
    """What a change of an instance type does to the notebooks that run at it."""

    LIVE = "Live"
    NEXT_START = "NextStart"


class ReasonKind(Enum):
    """What somebody who waits for the server should do: wait on, wait a little, or give up."""

    PROGRESS = "progress"
    STUCK = "stuck"
    FINAL = "final"


class Reason(StrEnum):
    """The CamelCase word beside each sentence of a condition."""

    RUNNING = "Running"
    STOPPED = "Stopped"
    STOPPED_BY_ITSELF = "StoppedByItself"
    STOPPING = "Stopping"
    STARTING = "Starting"
    SCHEDULING = "Scheduling"
    PULLING = "Pulling"
    IDENTITY_PENDING = "IdentityPending"
    BACKING_UP = "BackingUp"

    HOME_PENDING = "HomePending"
    UNSCHEDULABLE = "Unschedulable"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    QUOTA_EXCEEDED = "QuotaExceeded"
    REFUSED = "Refused"

    UNKNOWN_INSTANCE_TYPE = "UnknownInstanceType"
    UNKNOWN_IMAGE = "UnknownImage"
    INSTANCE_TYPE_FORBIDDEN = "InstanceTypeForbidden"
    IMAGE_FORBIDDEN = "ImageForbidden"
    NAME_MISMATCH = "NameMismatch"
    UNKNOWN_PROJECT = "UnknownProject"
    HOME_OWNER_MISMATCH = "HomeOwnerMismatch"
    SERVER_FAILED = "ServerFailed"
    SERVER_EXITED = "ServerExited"
    INVALID_SPEC = "InvalidSpec"

    BOUND = "Bound"
    ISSUED = "Issued"
    IDENTITY_NOT_READY = "IdentityNotReady"
    APPLIED = "Applied"
    RESTART_NEEDED = "RestartNeeded"
    RESIZING = "Resizing"
    NODE_FULL = "NodeFull"
    NODE_TOO_SMALL = "NodeTooSmall"
    MEMORY_IN_USE = "MemoryInUse"

    READY = "Ready"
    MEMBER = "Member"
    NOT_A_MEMBER = "NotAMember"
    VOLUME_PENDING = "VolumePending"
    VOLUME_OF_FORMER_PROJECT = "VolumeOfFormerProject"
    SHARED = "Shared"
    NOT_SHARED = "NotShared"
    REPAIRING = "Repairing"
    NOT_CHECKED = "NotChecked"
    CLONING = "Cloning"
    CLONED = "Cloned"
    CLONE_FAILED = "CloneFailed"

    GRANTED = "Granted"
    NO_WAREHOUSE = "NoWarehouse"
    UNKNOWN_PRINCIPALS = "UnknownPrincipals"
    TOO_MANY_GRANTS = "TooManyGrants"
    DATASET_NOT_FOUND = "DatasetNotFound"
    NO_PERMISSION = "NoPermission"
    GRANT_REFUSED = "GrantRefused"
    SIGN_IN_FAILED = "SignInFailed"
    WAREHOUSE_UNREACHABLE = "WarehouseUnreachable"

    @property
    def kind(self) -> ReasonKind:
        """Progress by default; stuck heals only if somebody acts or room is made; final never heals by waiting."""
        if self in _FINAL:
            return ReasonKind.FINAL
        return ReasonKind.STUCK if self in _STUCK else ReasonKind.PROGRESS


_STUCK = frozenset(
    {
        Reason.HOME_PENDING,
        Reason.UNSCHEDULABLE,
        Reason.IMAGE_PULL_FAILED,
        Reason.QUOTA_EXCEEDED,
        Reason.REFUSED,
        Reason.VOLUME_PENDING,
    }
)
_FINAL = frozenset(
    {
        Reason.UNKNOWN_INSTANCE_TYPE,
        Reason.UNKNOWN_IMAGE,
        Reason.INSTANCE_TYPE_FORBIDDEN,
        Reason.IMAGE_FORBIDDEN,
        Reason.NAME_MISMATCH,
        Reason.UNKNOWN_PROJECT,
        Reason.NOT_A_MEMBER,
        Reason.HOME_OWNER_MISMATCH,
        Reason.SERVER_FAILED,
        Reason.SERVER_EXITED,
        Reason.INVALID_SPEC,
    }
)


class ConditionType(StrEnum):
    """The conditions of a Notebook and of a Project."""

    READY = "Ready"
    VOLUMES_READY = "VolumesReady"
    IDENTITY_READY = "IdentityReady"
    RESOURCES_APPLIED = "ResourcesApplied"
    MEMBERSHIP_VALID = "MembershipValid"
    FILES_SHARED = "FilesShared"
    REPOSITORY_CLONED = "RepositoryCloned"
    DATASETS_GRANTED = "DatasetsGranted"
