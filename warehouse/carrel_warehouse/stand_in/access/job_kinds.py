"""What a job of each kind demands of whoever begins it."""

from collections.abc import Mapping
from typing import Any

from carrel_warehouse.stand_in.access.guard import Guard
from carrel_warehouse.stand_in.access.roles import Role
from carrel_warehouse.stand_in.people import Caller

Json = Mapping[str, Any]
_READ, _WRITE = "bigquery.tables.getData", "bigquery.tables.updateData"


async def allowed(guard: Guard, caller: Caller, project: str, configuration: object) -> None:
    """Let a job's configuration pass; what is no configuration is the emulator's to refuse.

    Raises:
        DeniedError: somebody may not run it.
    """
    if not isinstance(configuration, Mapping):
        return
    if query := _part(configuration, "query"):
        await guard.query(caller, project, query)
    for kind in ("load", "copy"):
        for written in _tables(_part(configuration, kind), "destinationTable"):
            await guard.table(caller, project, written, Role.WRITER, _WRITE)
    for kind in ("copy", "extract"):
        for read in _tables(_part(configuration, kind), "sourceTable", "sourceTables"):
            await guard.table(caller, project, read, Role.READER, _READ)


def _part(configuration: Json, kind: str) -> Json:
    found = configuration.get(kind)
    return found if isinstance(found, Mapping) else {}


def _tables(part: Json, *names: str) -> list[Json]:
    found = [each for name in names for each in _listed(part.get(name))]
    return [each for each in found if isinstance(each, Mapping)]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
