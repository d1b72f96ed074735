"""A team: who belongs to it, and the volume that it shares."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from carrel_operator.api.grants import GrantsStatus
from carrel_operator.api.objects import Metadata
from carrel_operator.api.reading import Body, InvalidObjectError, mapping
from carrel_operator.api.status import Condition, parse_conditions
from carrel_operator.api.vocabulary import REPAIR_ANNOTATION, ConditionType
from carrel_operator.api.warehouse import Warehouse

_LONGEST_REPAIR = 64
_LONGEST_FOLDER = 100
# the CRD's schema says the same
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[^\s?#@\\]*)?", re.ASCII)
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]*")
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


class Role(StrEnum):
    """What a member may do; each may do what those before it may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    @property
    def writes(self) -> bool:
        """Whether the member may change files."""
        return self is not Role.VIEWER

    @property
    def rank(self) -> int:
        """Larger is more."""
        return list(Role).index(self)


@dataclass(frozen=True, slots=True)
class Member:
    """One person, or everybody of one group; exactly one of the two is named."""

    role: Role
    user: str = ""
    group: str = ""

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read one entry; InvalidObjectError when it names nobody or an unknown role."""
        try:
            role = Role(body.get("role", ""))
        except ValueError as error:
            message = f"spec.members has the role '{body.get('role', '')}'; use viewer, editor or admin"
            raise InvalidObjectError(message) from error
        user, group = body.get("user", ""), body.get("group", "")
        if bool(user) == bool(group):
            message = "spec.members must name either a user or a group in each entry"
            raise InvalidObjectError(message)
        return cls(role, user, group)


@dataclass(frozen=True, slots=True)
class Repository:
    """What is cloned into a project's files, once. Nothing secret is in it, because everybody can read a Project."""

    url: str
    branch: str = ""  # the repository's own default if empty

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read it; InvalidObjectError when it is no address, or could be taken for an option or a path."""
        url, branch = str(body.get("url", "")), str(body.get("branch", ""))
        if not _ADDRESS.fullmatch(url):
            message = "spec.repository.url must be an https:// or http:// address without a user name and without spaces"
            raise InvalidObjectError(message)
        if branch and (not _BRANCH.fullmatch(branch) or ".." in branch):
            message = f"spec.repository.branch is '{branch}', which can't be a branch's name"
            raise InvalidObjectError(message)
        return cls(url, branch)

    @property
    def folder(self) -> str:
        """The folder that it is cloned into: the last part of its address."""
        last = self.url.rstrip("/").rpartition("/")[2].removesuffix(".git").lstrip(".")
        return _UNFIT.sub("-", last)[:_LONGEST_FOLDER] or "repository"


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """What the operator says about a Project."""

    message: str = ""
    observed_generation: int = 0
    gid: int | None = None
    members: int = 0
    principal: str = ""
    claim: str = ""
    claim_phase: str = ""
    size: str = ""
    repaired: str = ""  # the last request for a repair that was carried out
    grants: GrantsStatus = field(default_factory=GrantsStatus)  # has a writer of its own
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read ``status``."""
        volume = body.get("volume", {})
        return cls(
            message=body.get("message", ""),
            observed_generation=body.get("observedGeneration", 0),
            gid=body.get("gid"),
            members=body.get("members", 0),
            principal=body.get("principal", ""),
            claim=volume.get("claim", ""),
            claim_phase=volume.get("phase", ""),
            size=volume.get("size", ""),
            repaired=body.get("repaired", ""),
            grants=GrantsStatus.parse(body),
            conditions=parse_conditions(body),
        )

    def body(self) -> dict[str, Any]:
        """The status as Kubernetes stores it, without what is empty and what is said of grants."""
        volume = {"claim": self.claim, "phase": self.claim_phase, "size": self.size}
        fields = {
            "message": self.message,
            "observedGeneration": self.observed_generation,
            "gid": self.gid,
            "members": self.members,
            "principal": self.principal,
            "repaired": self.repaired,
            "volume": {key: value for key, value in volume.items() if value},
            "conditions": [
                each.body() for each in self.conditions if each.type is not ConditionType.DATASETS_GRANTED
            ],
        }
        return {key: value for key, value in fields.items() if value not in ("", None, [], {})}

    def condition(self, kind: ConditionType) -> Condition | None:
        """The condition of that type, once the operator has set it."""
        return next((each for each in self.conditions if each.type is kind), None)


@dataclass(frozen=True, slots=True)
class Project:
    """A team of people with files of their own."""

    metadata: Metadata
    display_name: str = ""
    members: tuple[Member, ...] = ()
    volume_size: str | None = None
    storage_class: str | None = None
    repository: Repository | None = None
    warehouse: Warehouse = field(default_factory=Warehouse)
    repair: str = ""  # changes when somebody asks for the files to be mended
    status: ProjectStatus = field(default_factory=ProjectStatus)
    usage: Body = field(default_factory=dict, compare=False)  # the ledger's own part of the status

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read a Project object; InvalidObjectError names the field that is wrong."""
        metadata, spec = Metadata.parse(body), mapping(body, "spec")
        volume = spec.get("volume", {})
        annotations = body["metadata"].get("annotations", {})
        return cls(
            metadata=metadata,
            display_name=spec.get("displayName") or metadata.name,
            members=tuple(Member.parse(each) for each in spec.get("members", ())),
            volume_size=volume.get("size"),
            storage_class=volume.get("storageClass"),
            repository=Repository.parse(mapping(spec, "repository", "spec."))
            if "repository" in spec
            else None,
            warehouse=Warehouse.parse(spec.get("warehouse", {})),
            repair=str(annotations.get(REPAIR_ANNOTATION, ""))[:_LONGEST_REPAIR],
            status=ProjectStatus.parse(body.get("status", {})),
            usage=body.get("status", {}).get("usage", {}),
        )

    @property
    def name(self) -> str:
        """The object's name."""
        return self.metadata.name

    @property
    def groups(self) -> frozenset[str]:
        """Whose sizes and images the project's own server may have: the groups of which all may work in it."""
        return frozenset(each.group for each in self.members if each.group and each.role.writes)

    @property
    def repair_pending(self) -> bool:
        """Whether a repair was asked for that is not done."""
        return bool(self.repair) and self.repair != self.status.repaired

    def role_of(self, person: str, groups: Collection[str]) -> Role | None:
        """The most that a person may do here, by name or by one of these groups; None for who is no member."""
        roles = (each.role for each in self.members if each.user == person or each.group in groups)
        return max(roles, key=lambda role: role.rank, default=None)
