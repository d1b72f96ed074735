"""The links in their order, each looked at only when those before it hold."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from carrel_lab.doctor import exchange, queries, tokens
from carrel_lab.doctor.findings import Finding, skipped
from carrel_lab.doctor.place import Place
from carrel_lab.doctor.queries import Dataset
from carrel_lab.doctor.reach import Answer, Call, Silence, ask

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_IAM = "https://www.googleapis.com/auth/iam"
_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name, not a token
_FLAVOR = {"Metadata-Flavor": "Google"}
_IDENTITY = "/computeMetadata/v1/instance/service-accounts/default"
_PROJECT = "/computeMetadata/v1/project/project-id"  # the cluster's, whose pool it is
_DRY_RUN = {"configuration": {"dryRun": True, "query": {"query": "SELECT 1", "useLegacySql": False}}}
_MOST_DATASETS = 50
_AT_A_TIME = 8

DATASETS = "datasets"

Ask = Callable[[Call], Answer | Silence]


@dataclass(frozen=True, slots=True)
class Known:
    """What the hub knows of the person, which the pod does not."""

    principal: str = ""
    datasets: tuple[Dataset, ...] = ()


class Examination:
    """One look at everything; it keeps nothing between two looks but the access token of the last."""

    def __init__(
        self, place: Place, ask: Ask = ask, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._place, self._ask, self._now = place, ask, now
        self._bearer = self._principal = ""

    def essential(self) -> list[Finding]:
        """What every query needs: who this is, and a dry run of SELECT 1."""
        found = [queries.project(self._place)]
        found += self._by_metadata() if self._place.credentials is None else self._by_token()
        if any(each.failed for each in found):
            names = (queries.WAREHOUSE, queries.API, queries.QUOTA, queries.JOBS)
            return [*found, *_not_looked_at(found, *names)]
        return [*found, *self._dry_run()]

    def whole(self, known: Callable[[], Known]) -> list[Finding]:
        """All links, the budget and the datasets of the person's projects too."""
        said = known()
        self._principal = said.principal
        found = self.essential()
        if any(each.failed for each in found):
            return [*found, *_not_looked_at(found, queries.BUDGET, DATASETS)]
        return [*found, self._budget(), *self._datasets(said.datasets)]

    def _by_token(self) -> list[Finding]:
        place = self._place
        credentials, found = tokens.read_credentials(_read(place.credentials or Path()), place)
        rest = (tokens.TOKEN, tokens.AUDIENCE, tokens.EXPIRY, tokens.CLOCK, exchange.EXCHANGE)
        if credentials is None:
            return [found, *_not_looked_at([found], *rest)]
        claims, present = tokens.read_token(credentials.token_file, _read(Path(credentials.token_file)))
        if claims is None:
            return [found, present, *_not_looked_at([present], *rest[1:])]
        own = claims.principal(credentials) if credentials.at_google else claims.subject
        self._principal = self._principal or own
        fits = tokens.audience(claims, credentials)
        if fits.failed:
            return [found, present, fits, *_not_looked_at([fits], *rest[2:])]
        return [found, present, fits, *self._traded(credentials, claims)]

    def _traded(self, credentials: tokens.Credentials, claims: tokens.Claims) -> Iterator[Finding]:
        """The exchange is asked even with a token that seems expired: its answer tells whose clock is off."""
        acting = bool(credentials.impersonation_url)
        answer = self._ask(_exchange(credentials, claims, _IAM if acting else SCOPE))
        clock = tokens.clock(answer.date if isinstance(answer, Answer) else None, self._now())
        yield clock or skipped(tokens.CLOCK, "The exchange told no time to compare with.")
        expiry = tokens.expiry(claims, self._now())
        # a clock that is off makes tokens seem too old: that is one fault and not two
        off = clock is not None and clock.failed
        yield skipped(tokens.EXPIRY, f"Not judged, because '{tokens.CLOCK}' failed.") if off else expiry
        exchanged = exchange.exchanged(answer, credentials, claims, self._place)
        if exchanged.failed and (off or expiry.failed):
            cause = tokens.CLOCK if off else tokens.EXPIRY
            yield skipped(exchange.EXCHANGE, f"Not judged, because '{cause}' failed.")
            return
        yield exchanged
        if exchanged.failed or not isinstance(answer, Answer):
            return
        self._bearer = str(answer.body["access_token"])
        if acting:
            yield self._acting(credentials, claims)

    def _acting(self, credentials: tokens.Credentials, claims: tokens.Claims) -> Finding:
        call = Call(credentials.impersonation_url, self._bearer, body={"scope": [SCOPE]})
        answer = self._ask(call)
        if isinstance(answer, Answer):
            self._bearer = str(answer.body.get("accessToken", ""))
        return exchange.impersonated(answer, credentials, claims, self._place)

    def _by_metadata(self) -> list[Finding]:
        account = self._metadata(f"{_IDENTITY}/email")
        found = exchange.from_metadata(account, self._place)
        if found.failed or not isinstance(account, Answer):
            return [found]
        answer = self._metadata(f"{_IDENTITY}/token")
        if isinstance(answer, Silence):
            return [exchange.from_metadata(answer, self._place)]
        self._bearer = str(answer.body.get("access_token", ""))
        return [found, self._lent(account.text, answer)]

    def _lent(self, account: str, answer: Answer) -> Finding:
        pool = ""
        if answer.status != 200:
            project = self._metadata(_PROJECT)
            told = isinstance(project, Answer) and project.status == 200 and project.text
            pool = f"{told}.svc.id.goog" if told else "POOL"
        return exchange.lent(answer, account, pool, self._place)

    def _metadata(self, path: str) -> Answer | Silence:
        return self._ask(Call(f"{self._place.metadata}{path}", headers=_FLAVOR))

    def _dry_run(self) -> list[Finding]:
        return queries.query(self._of_project("jobs", _DRY_RUN), self._place, self._principal)

    def _of_project(
        self, path: str, body: dict[str, Any] | None = None, project: str = ""
    ) -> Answer | Silence:
        place = self._place
        url = f"{place.warehouse}/bigquery/v2/projects/{quote(project or place.project, safe='')}/{path}"
        counted = {"X-Goog-User-Project": place.quota_project} if place.quota_project else {}
        return self._ask(Call(url, self._bearer, body=body, headers=counted))

    def _budget(self) -> Finding:
        if not self._place.inside:
            return skipped(queries.BUDGET, "There is no gateway here, so there is no budget.")
        answer = self._ask(Call(f"{self._place.warehouse}/carrel/v1/budget", self._bearer))
        return queries.budget(answer, self._place)

    def _datasets(self, datasets: tuple[Dataset, ...]) -> list[Finding]:
        if not datasets:
            return [skipped(DATASETS, "No project of yours names one.")]
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            return list(pool.map(self._dataset, datasets[:_MOST_DATASETS]))

    def _dataset(self, wanted: Dataset) -> Finding:
        path = f"datasets/{quote(wanted.name, safe='')}"
        answer = self._of_project(path, project=wanted.billing_project)
        return queries.dataset(answer, wanted, self._place, self._principal)


def _exchange(credentials: tokens.Credentials, claims: tokens.Claims, scope: str) -> Call:
    form = {
        "grant_type": _GRANT,
        "audience": credentials.audience,
        "scope": scope,
        "requested_token_type": _ACCESS_TOKEN,
        "subject_token_type": credentials.token_type,
        "subject_token": claims.text,
    }
    return Call(credentials.token_url, form=form)


def _not_looked_at(found: list[Finding], *names: str) -> list[Finding]:
    broken = next(each.name for each in found if each.failed)
    return [skipped(name, f"Not looked at, because '{broken}' failed.") for name in names]


def _read(path: Path) -> str | OSError:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return error
