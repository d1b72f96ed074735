"""Carrel's own objects as frozen values: what Notebooks, instance types and images may say, and what they answer."""

from carrel_operator.api.objects import Gpu, InstanceType, Metadata, Notebook, NotebookImage, Share
from carrel_operator.api.reading import Body, InvalidObjectError
from carrel_operator.api.status import Condition, Resources, Status, Volume
from carrel_operator.api.vocabulary import (
    API_VERSION,
    GROUP,
    IMAGE_ANNOTATION,
    INSTANCE_TYPE_ANNOTATION,
    NOTEBOOK_LABEL,
    OWNER_ANNOTATION,
    SERVER_ANNOTATION,
    SESSION_ANNOTATION,
    USER_LABEL,
    VERSION,
    ConditionType,
    Phase,
    Reason,
    ReasonKind,
)

__all__ = [
    "API_VERSION",
    "GROUP",
    "IMAGE_ANNOTATION",
    "INSTANCE_TYPE_ANNOTATION",
    "NOTEBOOK_LABEL",
    "OWNER_ANNOTATION",
    "SERVER_ANNOTATION",
    "SESSION_ANNOTATION",
    "USER_LABEL",
    "VERSION",
    "Body",
    "Condition",
    "ConditionType",
    "Gpu",
    "InstanceType",
    "InvalidObjectError",
    "Metadata",
    "Notebook",
    "NotebookImage",
    "Phase",
    "Reason",
    "ReasonKind",
    "Resources",
    "Share",
    "Status",
    "Volume",
]
