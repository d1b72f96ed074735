"""Refuses what somebody may not do, in Google's words."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any

from carrel_warehouse.stand_in.access.lists import Lists
from carrel_warehouse.stand_in.access.needs import METADATA, Needs, needs
from carrel_warehouse.stand_in.access.roles import Role, role, with_owner
from carrel_warehouse.stand_in.metering.catalogue import TableName
from carrel_warehouse.stand_in.metering.meter import Question
from carrel_warehouse.stand_in.people import Caller
from carrel_warehouse.stand_in.records import JobRecords

RESULTS = "_results"  # where the emulator keeps the rows of each job, in a table of the job's name
# The emulator's notes about everybody, our scales, and our list of jobs.
OWN_PROJECTS = frozenset({"emulator", "meter", "carrel-history"})
_FOR_ALL = frozenset({"SCHEMATA", "JOBS_BY_USER"})  # of what describes a project
_STATEMENT = "script_job_"  # how the emulator names the statements of a script
_LONGEST_TO_MAKE = 600.0
_UNKNOWN = (
    "Access Denied: the warehouse stand-in can't tell which tables EXECUTE IMMEDIATE reaches when its text is put "
    "together as it runs; write the statement out, or as one quoted text."
)


class DeniedError(Exception):
    """Somebody may not do that; `str()` says what, as Google says it."""


def dataset_denied(project: str, dataset: str, permission: str) -> DeniedError:
    """A refusal that concerns a dataset."""
    name = f"{project}:{dataset}"
    return DeniedError(
        f"Access Denied: Dataset {name}: Permission {permission} denied on dataset {name} (or it may not exist)."
    )


def table_denied(name: TableName, permission: str) -> DeniedError:
    """A refusal that concerns one table."""
    text = f"{name.project}:{name.dataset}.{name.table}"
    return DeniedError(
        f"Access Denied: Table {text}: Permission {permission} denied on table {text} (or it may not exist)."
    )


def query_denied(name: TableName) -> DeniedError:
    """A refusal of a query because of a table that it reads."""
    text = f"{name.project}:{name.dataset}.{name.table}"
    return DeniedError(
        f"Access Denied: Table {text}: User does not have permission to query table {text}, "
        "or perhaps it does not exist in location US."
    )


class Guard:
    """Knows datasets by their access lists and results by their jobs."""

    def __init__(self, lists: Lists, records: JobRecords) -> None:
        self._lists = lists
        self._records = records
        # Of datasets that SQL is about to make, and since when: the emulator will name no owner.
        self._makers: dict[tuple[str, str], tuple[str, float]] = {}

    async def query(self, caller: Caller, project: str, query: Mapping[str, Any]) -> None:
        """Let a query pass that has the shape of a job's configuration.

        Raises:
            DeniedError: somebody may not run it.
        """
        question = Question.of(project, query)
        found = await asyncio.to_thread(needs, question)
        if found.unknown and not caller.administrator:
            raise DeniedError(_UNKNOWN)
        await self._reads(caller, found.reads)
        await self._writes(caller, question, found)
        if target := query.get("destinationTable"):
            await self.table(caller, project, target, Role.WRITER, "bigquery.tables.updateData")
        for name in found.makes:
            if await self._spelt(name.project, name.dataset) is None:
                self._makers[name.project, name.dataset] = (caller.email, time.monotonic())

    async def table(
        self, caller: Caller, project: str, reference: Mapping[str, Any], least: Role, permission: str
    ) -> None:
        """Let a call pass to a table by the API's reference to it.

        Raises:
            DeniedError: somebody has not `least` there.
        """
        place = reference.get("projectId") or project, str(reference.get("datasetId") or "")
        name = TableName(*place, str(reference.get("tableId") or ""))
        found = await self._role(caller, name)
        if found is not None and found < least:
            raise table_denied(name, permission)

    async def dataset(self, caller: Caller, project: str, dataset: str, least: Role, permission: str) -> None:
        """Let a call pass to a dataset.

        Raises:
            DeniedError: somebody has not `least` there.
        """
        found = await self._role(caller, TableName(project, dataset, ""))
        if found is not None and found < least:
            raise dataset_denied(project, dataset, permission)

    async def job(self, caller: Caller, project: str, job: str, permission: str) -> None:
        """Let a call pass to a job, or to one that isn't there.

        Raises:
            DeniedError: it is somebody else's.
        """
        if await self._is_own(caller, project, job) is False:
            name = f"{project}:US.{job}"
            raise DeniedError(
                f"Access Denied: Job {name}: Permission {permission} denied on job {name} (or it may not exist)."
            )

    async def _is_own(self, caller: Caller, project: str, job: str) -> bool | None:
        """Whether somebody began a job, or the script that it is a statement of; None if there is no such job."""
        if caller.administrator:
            return True
        email = self._records.email(project, job)
        if email is None or job.startswith(
            _STATEMENT
        ):  # anybody may have noted a name that the emulator gives
            found = await self._lists.job(project, job)
            if not found:
                return None
            email = self._records.email(project, found.get("statistics", {}).get("parentJobId") or job)
        return email == caller.email

    async def settle(self) -> None:
        """Make those who made a dataset in SQL its owners."""
        for (project, dataset), (email, since) in list(self._makers.items()):
            if time.monotonic() - since > _LONGEST_TO_MAKE:
                self._makers.pop((project, dataset), None)
            elif (spelt := await self._spelt(project, dataset)) is not None:
                entries = await self._lists.access(project, spelt)
                await self._lists.change(project, spelt, with_owner(entries, email))
                self._makers.pop((project, dataset), None)

    def made(self, project: str, dataset: str) -> None:
        """Somebody has made a dataset by the API, and is its owner already."""
        self._makers.pop((project, dataset), None)

    async def _reads(self, caller: Caller, names: Iterable[TableName]) -> None:
        roles: dict[tuple[str, str], Role | None] = {}
        for name in sorted(names, key=str):
            if await self._is_of_all(name):
                if not caller.administrator and name.table.upper().rpartition(".")[2] not in _FOR_ALL:
                    raise query_denied(name)
                continue
            place = (name.project, name.dataset)
            if place not in roles or name.dataset == RESULTS:
                roles[place] = await self._role(caller, name)
            if roles[place] is Role.NONE and await self._is_there(name):
                raise query_denied(name)

    async def _writes(self, caller: Caller, question: Question, found: Needs) -> None:
        for name in found.drops:
            await self.dataset(caller, name.project, name.dataset, Role.OWNER, "bigquery.datasets.delete")
        for name in sorted(found.writes, key=str):
            has = await self._role(caller, name)
            if has is None or has >= Role.WRITER:
                continue
            if name.table and await self._is_there(name):
                raise table_denied(name, "bigquery.tables.updateData")
            raise dataset_denied(name.project, name.dataset, "bigquery.tables.create")
        if not found.words:
            return
        default = question.default.project
        for project in await self._lists.projects():
            if project == default or project.lower() in found.words:
                for dataset in await self._lists.datasets(project):
                    if dataset.lower() in found.words:
                        await self.dataset(caller, project, dataset, Role.WRITER, "bigquery.tables.create")

    async def _role(self, caller: Caller, name: TableName) -> Role | None:
        """What somebody may there; None if there is no such dataset, which the emulator says."""
        if name.project.lower() in OWN_PROJECTS:
            return Role.NONE
        if name.dataset.lower() == RESULTS:
            return Role.OWNER if await self._is_own(caller, name.project, name.table) else Role.NONE
        await self.settle()
        dataset = await self._spelt(name.project, name.dataset)
        if dataset is None:
            return None
        return role(await self._lists.access(name.project, dataset), caller)

    async def _spelt(self, project: str, dataset: str) -> str | None:
        """A dataset's name as it is spelt: the emulator takes any case for it in SQL."""
        for each in await self._lists.datasets(project):
            if each.lower() == dataset.lower():
                return each
        return None

    async def _is_there(self, name: TableName) -> bool:
        if name.wildcard or not name.table or name.dataset.lower() == RESULTS:
            return True
        if name.table.upper().startswith((METADATA, "__TABLES__")):
            return True
        dataset = await self._spelt(name.project, name.dataset) or name.dataset
        tables = await self._lists.tables(name.project, dataset)
        return name.project.lower() in OWN_PROJECTS or name.table.lower() in {each.lower() for each in tables}

    async def _is_of_all(self, name: TableName) -> bool:
        """Whether it describes a whole project, as jobs do wherever they are looked for."""
        if METADATA in f"{name.dataset}.{name.table}".upper() and "JOBS" in name.table.upper():
            return True
        if (
            name.dataset.upper() == METADATA
        ):  # a reading of `a.INFORMATION_SCHEMA.TABLES` where a may be a dataset
            return name.project in await self._lists.projects()
        metadata = name.table.upper().startswith(METADATA)
        return metadata and (not name.dataset or name.dataset.lower().startswith("region-"))
