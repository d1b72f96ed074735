"""INFORMATION_SCHEMA.JOBS and its kin, from the list of jobs as we show it: the emulator's own says little of a job.

Before a query that reads one of these views, the jobs are put into a table of a project that nobody else may use, and
in the query that table takes the view's place.
"""

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from carrel_warehouse.stand_in.job_views import Views
from carrel_warehouse.stand_in.people import Caller
from carrel_warehouse.stand_in.upstream import signature

PROJECT = "carrel-history"
_DATASET = "jobs"
_HEADERS = {"Authorization": signature("carrel@carrel.invalid")}
_VIEW = re.compile(
    r"(?:[`\w-]+[`\s]*\.[`\s]*)*INFORMATION_SCHEMA[`\s]*\.[`\s]*(?P<view>JOBS(?:_BY_(?:PROJECT|USER))?)\b`?",
    re.IGNORECASE,
)
_COLUMNS = (
    "job_id:STRING project_id:STRING location:STRING user_email:STRING principal_subject:STRING "
    "creation_time:TIMESTAMP start_time:TIMESTAMP end_time:TIMESTAMP state:STRING job_type:STRING "
    "statement_type:STRING query:STRING total_bytes_processed:INTEGER total_bytes_billed:INTEGER cache_hit:BOOLEAN"
)
_TEXT = {"type": "STRING"}
_LABELS = {"name": "labels", "type": "RECORD", "mode": "REPEATED", "fields": ["key", "value"]}
_ERROR = {"name": "error_result", "type": "RECORD", "mode": "NULLABLE", "fields": ["reason", "message"]}

Json = dict[str, Any]


def schema() -> list[Json]:
    """The table's columns."""
    plain = [dict(zip(("name", "type"), each.split(":"), strict=True)) for each in _COLUMNS.split()]
    nested = [
        {**each, "fields": [{"name": name, **_TEXT} for name in each["fields"]]} for each in (_LABELS, _ERROR)
    ]
    return [*plain, *nested]


def row(job: Mapping[str, Any], principal: str | None) -> Json:
    """A job as its row."""
    reference, configuration = job.get("jobReference", {}), job.get("configuration", {})
    statistics, error = job.get("statistics", {}), job.get("status", {}).get("errorResult")
    query = statistics.get("query", {})
    kinds = [kind for kind in ("query", "load", "copy", "extract") if configuration.get(kind)]
    return {
        "job_id": reference.get("jobId"),
        "project_id": reference.get("projectId"),
        "location": reference.get("location"),
        "user_email": job.get("user_email"),
        "principal_subject": principal,
        "creation_time": _time(statistics.get("creationTime")),
        "start_time": _time(statistics.get("startTime")),
        "end_time": _time(statistics.get("endTime")),
        "state": job.get("state") or job.get("status", {}).get("state"),
        "job_type": kinds[0].upper() if kinds else None,
        "statement_type": query.get("statementType"),
        "query": configuration.get("query", {}).get("query"),
        "total_bytes_processed": int(statistics.get("totalBytesProcessed") or 0),
        "total_bytes_billed": int(query.get("totalBytesBilled") or 0),
        "cache_hit": bool(query.get("cacheHit")),
        "labels": [
            {"key": key, "value": value} for key, value in (configuration.get("labels") or {}).items()
        ],
        "error_result": error and {"reason": error.get("reason"), "message": error.get("message")},
    }


def reads_jobs(sql: str) -> bool:
    """Whether a text names one of the views."""
    return bool(_found(sql))


def rewritten(sql: str, project: str, caller: Caller) -> str:
    """The text with the table in place of each view."""
    pieces, end = [], 0
    for match, following in _found(sql):
        view = match["view"].upper()
        own = f" WHERE user_email = {json.dumps(caller.email)}" if view == "JOBS_BY_USER" else ""
        alias = "" if following else f" AS {view}"
        table = f"`{PROJECT}.{_DATASET}.{project}`"
        pieces += [sql[end : match.start()], f"(SELECT * FROM {table}{own}){alias}"]  # noqa: S608 an address that we gave
        end = match.end()
    return "".join([*pieces, sql[end:]])


def _found(sql: str) -> list[tuple[re.Match[str], bool]]:
    """Each view, and whether an alias follows it."""
    if "JOBS" not in sql.upper():
        return []
    try:
        tokens = sqlglot.tokenize(sql, dialect="bigquery")
    except SqlglotError:
        return []  # the emulator says what is wrong
    starts = {token.start for token in tokens if token.token_type != TokenType.STRING}
    matches = [match for match in _VIEW.finditer(sql) if match.start() in starts]
    return [
        (match, _is_alias(next((t for t in tokens if t.start >= match.end()), None))) for match in matches
    ]


def _is_alias(token: Token | None) -> bool:
    return token is not None and token.token_type in {TokenType.ALIAS, TokenType.VAR, TokenType.IDENTIFIER}


def _time(milliseconds: str | None) -> str | None:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC).isoformat() if milliseconds else None


class History:
    """The table, filled through the emulator's own API."""

    def __init__(self, session: aiohttp.ClientSession, address: str, views: Views) -> None:
        self._views = views
        self._session = session
        self._project = f"{address}/bigquery/v2/projects/{PROJECT}"
        self._upload = f"{address}/upload/bigquery/v2/projects/{PROJECT}/jobs"

    async def told(self, caller: Caller, project: str, sql: str) -> str:
        """The text for the emulator, whose table is filled if the text reads one of the views."""
        if not reads_jobs(sql):
            return sql
        await self._fill(project, [row(*each) for each in await self._views.everybodys(project)])
        return rewritten(sql, project, caller)

    async def _fill(self, project: str, rows: Iterable[Json]) -> None:
        reference = {"projectId": PROJECT, "datasetId": _DATASET}
        dataset = {"datasetReference": reference}
        async with self._session.post(f"{self._project}/datasets", json=dataset, headers=_HEADERS):
            pass  # it is there from now on
        job = str(uuid.uuid4())
        load = {
            "destinationTable": reference | {"tableId": project},
            "sourceFormat": "NEWLINE_DELIMITED_JSON",
            "writeDisposition": "WRITE_TRUNCATE",
            "schema": {"fields": schema()},
        }
        begun = {"jobReference": {"projectId": PROJECT, "jobId": job}, "configuration": {"load": load}}
        async with self._session.post(
            self._upload, params={"uploadType": "resumable"}, json=begun, headers=_HEADERS
        ) as answer:
            answer.raise_for_status()
            address = answer.headers["Location"]
        content = "\n".join(json.dumps(each) for each in rows).encode()
        async with self._session.put(address, data=content, headers=_HEADERS) as answer:
            answer.raise_for_status()
        # getQueryResults waits for jobs of every kind, and the notes of these would stay for ever.
        async with self._session.get(
            f"{self._project}/queries/{job}", params={"timeoutMs": "60000"}, headers=_HEADERS
        ):
            pass
        async with self._session.delete(f"{self._project}/jobs/{job}/delete", headers=_HEADERS):
            pass
