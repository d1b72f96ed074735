"""The person's own jobs, asked for with the person's own credentials.

Google's libraries take a second to import, so that is left to the first question and done where it keeps nobody waiting.
Every call blocks; none is made in an event loop.
"""

import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from carrel_lab.queries_panel import jobs

if TYPE_CHECKING:
    from google.auth.transport.requests import AuthorizedSession

Json = dict[str, Any]

_GOOGLE = "https://bigquery.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/bigquery"
_SECONDS = 20.0
_SHOWN = 50
# A page may hold less than it was asked for, so several make up the list; not all there are, if most are no queries.
_MOST_PAGES = 5

NOT_CONFIGURED = "This server has no warehouse. Your administrator can set one up with warehouse.mode."
_SILENT = "The warehouse does not answer. Queries that run go on; try again in a moment."
_NOT_SIGNED_IN = (
    "The warehouse does not know who this server is. Run !carrel-doctor in a cell: it says what is missing."
)
_NO_SENSE = "Something answered in the warehouse's place. Try again in a moment; if it lasts, tell your administrator."


class WarehouseError(Exception):
    """The warehouse said no, or nothing; the message is a sentence for the person."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Warehouse:
    """BigQuery for one project that pays, or what stands in front of it or in for it."""

    def __init__(self, host: str, project: str) -> None:
        self._host, self._project = host.rstrip("/"), project
        self._session: AuthorizedSession | None = None
        self._signing_in = threading.Lock()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Warehouse | None":
        """The one that Google's own clients would ask; None when there is none."""
        project = environment.get("GOOGLE_CLOUD_PROJECT", "")
        return cls(environment.get("BIGQUERY_EMULATOR_HOST", "") or _GOOGLE, project) if project else None

    def queries(self) -> Json:
        """The person's last queries, newest first, and what is left of the budget."""
        budget = self._budget()
        price = budget.get("price_per_tib") if budget else None
        found = sorted(self._jobs(), key=_created, reverse=True)[:_SHOWN]
        return {"queries": [jobs.view(job, price) for job in found], "budget": budget}

    def cancel(self, job: str, location: str | None) -> Json:
        """Ask for a job's end; the answer is the job as it is then, which may still run for a moment."""
        place = f"?location={quote(location, safe='')}" if location else ""
        answer = self._ask("POST", f"{self._jobs_address}/{quote(job, safe='')}/cancel{place}")
        return jobs.view(answer["job"], None)

    @property
    def _jobs_address(self) -> str:
        return f"/bigquery/v2/projects/{quote(self._project, safe=':')}/jobs"

    def _jobs(self) -> list[Json]:
        found: list[Json] = []
        page = ""
        for _ in range(_MOST_PAGES):
            address = (
                f"{self._jobs_address}?projection=full&maxResults={_SHOWN}&pageToken={quote(page, safe='')}"
            )
            answer = self._ask("GET", address)
            found += [job for job in answer.get("jobs", ()) if jobs.is_query(job)]
            page = answer.get("nextPageToken") or ""
            if not page or len(found) >= _SHOWN:
                break
        return found

    def _budget(self) -> Json | None:
        """What the gateway says; None where there is no gateway, or none that answers."""
        if self._host == _GOOGLE:
            return None
        try:
            return self._ask("GET", f"/carrel/v1/budget?project={quote(self._project, safe='')}")
        except WarehouseError:
            return None

    def _ask(self, method: str, address: str) -> Json:
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - see the top
        from requests import RequestException  # noqa: PLC0415

        try:
            session = self._signed_in()
            answer = session.request(method, self._host + address, timeout=_SECONDS)  # type: ignore[no-untyped-call]
        except GoogleAuthError as error:
            raise WarehouseError(HTTPStatus.BAD_GATEWAY, _NOT_SIGNED_IN) from error
        except RequestException as error:
            raise WarehouseError(HTTPStatus.BAD_GATEWAY, _SILENT) from error
        try:
            content = answer.json()
        except ValueError:
            content = None
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise _refusal(answer.status_code, content)
        if not isinstance(content, dict):
            raise WarehouseError(HTTPStatus.BAD_GATEWAY, _NO_SENSE)
        return content

    def _signed_in(self) -> "AuthorizedSession":
        """A session that renews its credentials by itself, without a key."""
        import google.auth  # noqa: PLC0415 - see the top
        from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415

        with self._signing_in:
            if self._session is None:
                credentials, _ = google.auth.default(scopes=[_SCOPE])
                self._session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
            return self._session


def _created(job: Json) -> int:
    return int(job.get("statistics", {}).get("creationTime", 0))


def _refusal(status: int, content: object) -> WarehouseError:
    """With what BigQuery says, which people know from their queries."""
    error = content.get("error") if isinstance(content, dict) else None
    said = error.get("message") if isinstance(error, dict) else None
    if status == HTTPStatus.UNAUTHORIZED:
        return WarehouseError(HTTPStatus.BAD_GATEWAY, _NOT_SIGNED_IN)
    if not isinstance(said, str) or not said:
        return WarehouseError(HTTPStatus.BAD_GATEWAY, _NO_SENSE)
    return WarehouseError(
        status if status < HTTPStatus.INTERNAL_SERVER_ERROR else HTTPStatus.BAD_GATEWAY, said
    )
