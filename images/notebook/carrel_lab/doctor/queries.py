"""What the warehouse answered to a dry run, to a look at a dataset, and the gateway about the budget: verdicts."""

from dataclasses import dataclass
from typing import Any

from carrel_lab.doctor.findings import Finding, failed, ok, skipped, unknown
from carrel_lab.doctor.place import Place
from carrel_lab.doctor.reach import Answer, Silence
from carrel_lab.doctor.way import silent, upgrade
from carrel_lab.guard.notices import size

PROJECT, WAREHOUSE, API, QUOTA, JOBS, BUDGET = (
    "project",
    "warehouse",
    "BigQuery API",
    "quota project",
    "right to query",
    "budget",
)
_ROLES = {"viewer": "roles/bigquery.dataViewer", "editor": "roles/bigquery.dataEditor"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error in Google's shape."""

    reason: str  # of the first detail or error
    message: str

    @property
    def disabled(self) -> bool:
        """Whether the API is off in the project."""
        return self.reason in {"accessNotConfigured", "SERVICE_DISABLED"}

    @property
    def quota_denied(self) -> bool:
        """Whether the project that the call is counted on does not let this caller."""
        return self.reason == "USER_PROJECT_DENIED"


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset that a project gives to its members."""

    project: str  # whose members, in Carrel
    name: str
    billing_project: str
    role: str


def refusal(answer: Answer) -> Refusal:
    """Read an error as far as it is one."""
    error = answer.body.get("error")
    if not isinstance(error, dict):
        return Refusal("", str(error or answer.text[:200] or f"HTTP {answer.status}"))
    reasons = [*_reasons(error.get("details")), *_reasons(error.get("errors"))]
    return Refusal(next(iter(reasons), ""), str(error.get("message", "")))


def project(place: Place) -> Finding:
    """Whether it is known which project pays."""
    if place.project:
        return ok(PROJECT, f"Queries are paid for by {place.project}.")
    command = upgrade(place, "--set warehouse.project=PROJECT")
    return failed(PROJECT, "GOOGLE_CLOUD_PROJECT is not set, so nobody pays for queries.", command)


def query(answer: Answer | Silence, place: Place, principal: str) -> list[Finding]:
    """A dry run of SELECT 1: the warehouse, its API, the quota project and the right to run jobs."""
    if isinstance(answer, Silence):
        return [silent(WAREHOUSE, answer, place), *_after(WAREHOUSE, API, QUOTA, JOBS)]
    found = refusal(answer)
    if answer.status >= 500 or answer.status == 429:
        message = f"{place.warehouse} answers {answer.status}: {found.message}"
        return [failed(WAREHOUSE, message, _logs(place)), *_after(WAREHOUSE, API, QUOTA, JOBS)]
    reached = ok(WAREHOUSE, f"{place.warehouse} answers.")
    if answer.status == 401:
        message = "The warehouse does not take the access token that the exchange has just given."
        return [reached, failed(API, message, _logs(place)), *_after(API, QUOTA, JOBS)]
    if found.disabled:
        command = f"gcloud services enable bigquery.googleapis.com --project {place.project}"
        message = f"The BigQuery API is not enabled in {place.project}."
        return [reached, failed(API, message, command), *_after(API, QUOTA, JOBS)]
    enabled = ok(API, f"The BigQuery API is enabled in {place.project}.")
    if found.quota_denied:
        return [reached, enabled, _quota_denied(place, principal), *_after(QUOTA, JOBS)]
    counted = (
        ok(QUOTA, f"Calls are counted on {place.quota_project}.")
        if place.quota_project
        else skipped(QUOTA, "None is configured: calls are counted on the project that pays.")
    )
    return [reached, enabled, counted, _right(answer, found, place, principal)]


def _right(answer: Answer, found: Refusal, place: Place, principal: str) -> Finding:
    if answer.status == 200:
        return ok(JOBS, f"Queries may be run in {place.project}.")
    grant = (
        f"gcloud projects add-iam-policy-binding {place.project} --member={principal} "
        "--role=roles/bigquery.jobUser --condition=None"
    )
    if answer.status == 403:
        return failed(JOBS, f"No query may be run in {place.project}: {found.message}", grant)
    if answer.status == 404:
        command = upgrade(place, "--set warehouse.project=PROJECT")
        return failed(JOBS, f"There is no project {place.project}: {found.message}", command)
    return failed(JOBS, f"A dry run was refused ({answer.status}): {found.message}", _logs(place))


def _quota_denied(place: Place, principal: str) -> Finding:
    counted = place.quota_project or place.project
    command = (
        f"gcloud projects add-iam-policy-binding {counted} --member={principal} "
        "--role=roles/serviceusage.serviceUsageConsumer --condition=None"
    )
    message = f"Calls may not be counted on {counted}: serviceusage.services.use is missing there."
    return failed(QUOTA, message, command)


def budget(answer: Answer | Silence, place: Place) -> Finding:
    """What the gateway says is left of the day."""
    if isinstance(answer, Silence):
        return silent(BUDGET, answer, place)
    if answer.status == 404:
        return skipped(BUDGET, "There is no gateway here, so there is no budget.")
    left = answer.body.get("left_today")
    if answer.status != 200:
        command = f"kubectl --namespace {place.namespace} rollout restart deployment gateway"
        return failed(BUDGET, f"The gateway can't tell the budget ({answer.status}).", command)
    if left is None:
        return ok(BUDGET, "No limit is set on what may be read in a day.")
    payer = answer.body.get("payer", "")
    if isinstance(left, int) and left <= 0:
        raised_by = str(answer.body.get("raised_by", ""))
        message = f"The budget of {payer} is spent until {answer.body.get('resets_at', 'midnight UTC')}. {raised_by}"
        return failed(BUDGET, message.strip(), _raise(str(payer), place))
    return ok(BUDGET, f"The budget of {payer} has {size(left)} left today.")


def _raise(payer: str, place: Place) -> str:
    kind, _, name = payer.partition(" ")
    if kind == "project" and name:
        patch = '{"spec":{"warehouse":{"budget":{"bytesPerDay":"1Ti"}}}}'
        return f"kubectl --namespace {place.namespace} patch project {name} --type=merge --patch='{patch}'"
    return upgrade(place, "--set warehouse.gateway.budget.bytesPerDay=1Ti")


def dataset(answer: Answer | Silence, wanted: Dataset, place: Place, principal: str) -> Finding:
    """Whether a dataset that a project gives may be looked at."""
    name = f"dataset {wanted.billing_project}.{wanted.name}"
    if isinstance(answer, Silence):
        return silent(name, answer, place)
    role = _ROLES.get(wanted.role, _ROLES["viewer"])
    if answer.status == 200:
        return ok(name, f"Project '{wanted.project}' gives {role}, and it can be read.")
    if answer.status == 404:
        command = f"bq mk --dataset {wanted.billing_project}:{wanted.name}"
        return failed(name, f"Project '{wanted.project}' names it, and it is not there.", command)
    if answer.status == 403:
        message = f"{principal} lacks {role}, which project '{wanted.project}' should have granted."
        return failed(name, message, _grant(wanted, role, place, principal))
    return unknown(name, f"The warehouse answers {answer.status}: {refusal(answer).message}")


def _grant(wanted: Dataset, role: str, place: Place, principal: str) -> str:
    """The operator grants; where it could not, its condition says why, and a person can by hand."""
    if not principal.startswith("principal://iam.googleapis.com/"):
        return f"kubectl --namespace {place.namespace} rollout restart deployment operator"
    statement = f'GRANT `{role}` ON SCHEMA `{wanted.billing_project}.{wanted.name}` TO "{principal}"'
    return f"bq query --project_id={wanted.billing_project} --use_legacy_sql=false '{statement}'"


def _after(broken: str, *names: str) -> list[Finding]:
    return [skipped(name, f"Not looked at, because '{broken}' failed.") for name in names]


def _logs(place: Place) -> str:
    if place.inside:
        deployment = place.warehouse.partition("//")[2].partition(".")[0]
        return f"kubectl --namespace {place.namespace} logs deployment/{deployment} --tail=20"
    return "open https://status.cloud.google.com"


def _reasons(listed: Any) -> list[str]:  # noqa: ANN401 - whatever was sent
    if not isinstance(listed, list):
        return []
    return [str(each["reason"]) for each in listed if isinstance(each, dict) and each.get("reason")]
