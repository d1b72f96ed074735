"""What a call to a dataset, or to anything in one, demands. Pure."""

import re
from dataclasses import dataclass

from carrel_warehouse.stand_in.access.roles import Role

_CALL = re.compile(r"/bigquery/v2/projects/(?P<project>[^/]*)/datasets/(?P<dataset>[^/]*)(?P<inside>/.*)?")
_POLICY = {"getIamPolicy": Role.READER, "testIamPermissions": Role.READER, "setIamPolicy": Role.OWNER}
_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}


@dataclass(frozen=True)
class Demand:
    """`table` is "" for what concerns a dataset."""

    project: str
    dataset: str
    table: str
    least: Role
    permission: str


def demand(method: str, path: str) -> Demand | None:
    """What a call demands, None if everybody may; `path` is without escapes.

    Anybody signed in may list a project's datasets, look at one's description and make one (roles/bigquery.user).
    """
    found = _CALL.fullmatch(path)
    if found is None:
        return None
    inside, (project, dataset) = found["inside"], found.group("project", "dataset")
    if ":" in dataset and inside is None:
        dataset, _, action = dataset.partition(":")
        return Demand(project, dataset, "", _POLICY.get(action, Role.OWNER), f"bigquery.datasets.{action}")
    if not inside:
        if method in {"GET", "HEAD"}:
            return None
        return Demand(project, dataset, "", Role.OWNER, f"bigquery.datasets.{_VERBS.get(method, 'update')}")
    kind, _, rest = inside.removeprefix("/").partition("/")
    name, _, part = rest.partition("/")
    name, _, action = name.partition(":")
    least = Role.READER if method in {"GET", "HEAD"} else Role.WRITER
    if action:
        least = _POLICY.get(action, Role.OWNER)
    table = name if kind == "tables" else ""
    return Demand(project, dataset, table, least, f"bigquery.{kind}.{_verb(method, name, part, action)}")


def _verb(method: str, name: str, part: str, action: str) -> str:
    if action:
        return action
    if part == "data":
        return "getData"
    if part == "insertAll":
        return "updateData"
    return "list" if method == "GET" and not name else _VERBS.get(method, "update")
