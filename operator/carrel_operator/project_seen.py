"""What is seen of one Project and its volume at one moment, and what a person's membership of it amounts to."""

from collections.abc import Collection
from dataclasses import dataclass

from carrel_operator import api
from carrel_operator.api import Body, Project, Role
from carrel_operator.project_cloning import Cloning
from carrel_operator.project_survey import Survey

# Members mount this folder of the volume and never its root, which a kubelet may give to a group of its own choice.
FILES = "files"


@dataclass(frozen=True, slots=True)
class ProjectSeen:
    """A Project, its number, and the objects made for it."""

    project: Project
    number: int | None = None
    claim: Body | None = None
    preparer: Body | None = None
    carer: Body | None = None  # the pod that looks through the files or mends them
    service_account: Body | None = None
    cloner: Body | None = None  # the pod that clones a repository into them

    @property
    def of_a_former_project(self) -> bool:
        """Whether the claim of its name holds the files of another project, deleted before this one was made."""
        return (
            self.claim is not None
            and self._annotation(api.PROJECT_UID_ANNOTATION) != self.project.metadata.uid
        )

    @property
    def number_of_files(self) -> int | None:
        """The group that the files have which this project was handed, if it was."""
        given = self._annotation(api.GID_ANNOTATION)
        return int(given) if given.isdecimal() and not self.of_a_former_project else None

    @property
    def bound(self) -> bool:
        """Whether the claim has its disk."""
        return self.claim is not None and self.claim.get("status", {}).get("phase") == "Bound"

    @property
    def preparer_done(self) -> bool:
        """Whether the pod that prepares the volume has ended well."""
        return self.preparer is not None and self.preparer.get("status", {}).get("phase") == "Succeeded"

    @property
    def being_deleted(self) -> bool:
        """Whether somebody has deleted the claim, which stays for as long as a server mounts it."""
        return self.claim is not None and "deletionTimestamp" in self.claim["metadata"]

    @property
    def survey_text(self) -> str:
        """The last look at the files, as the claim has it."""
        return self._annotation(api.SURVEY_ANNOTATION)

    @property
    def survey(self) -> Survey | None:
        """The last look at the files."""
        return Survey.parse(self.survey_text)

    @property
    def repaired(self) -> str:
        """The last request for a repair that was carried out."""
        return self._annotation(api.REPAIR_ANNOTATION)

    @property
    def repair_wanted(self) -> bool:
        """Whether somebody has asked for a repair that was not carried out yet."""
        return bool(self.project.repair) and self.project.repair != self.repaired

    @property
    def cloning_text(self) -> str:
        """What came of cloning the repository so far, as the claim has it."""
        return self._annotation(api.REPOSITORY_ANNOTATION)

    @property
    def cloning(self) -> Cloning | None:
        """What came of cloning the repository that the project names; None when it was not tried."""
        found = Cloning.parse(self.cloning_text)
        return found if found and found.repository == self.project.repository else None

    @property
    def rounds(self) -> int:
        """How many rounds the repair that is under way has had."""
        survey = self.survey
        return survey.round if survey and survey.repair == self.project.repair else 0

    @property
    def prepared(self) -> bool:
        """Whether members may mount the volume."""
        mark = self._annotation(api.PREPARED_ANNOTATION)
        return (
            self.bound
            and not self.being_deleted
            and not self.of_a_former_project
            and mark == self._annotation(api.GID_ANNOTATION) != ""
        )

    def _annotation(self, name: str) -> str:
        annotations = self.claim["metadata"].get("annotations", {}) if self.claim else {}
        return str(annotations.get(name, ""))


@dataclass(frozen=True, slots=True)
class Membership:
    """That a person belongs to a project, and what of it their servers may mount."""

    project: str
    role: Role
    gid: int | None  # None: there is nothing to mount yet
    claim: str


def membership(seen: ProjectSeen, person: str, groups: Collection[str]) -> Membership | None:
    """What this person has of the project, or None."""
    role = seen.project.role_of(person, groups)
    return _with_files(seen, role) if role else None


def own_membership(team: ProjectSeen) -> Membership | None:
    """What the project's own server has of it: all that an editor has, and nothing of other projects."""
    return _with_files(team, Role.EDITOR)


def _with_files(seen: ProjectSeen, role: Role) -> Membership | None:
    if seen.project.metadata.deleting or seen.of_a_former_project:
        return None
    gid = seen.number_of_files if seen.prepared else None
    claim = seen.claim["metadata"]["name"] if seen.claim else ""
    return Membership(seen.project.name, role, gid, claim)
