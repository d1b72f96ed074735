"""The one path from the datasets that a Project names to the access lists in the warehouse.

What is going to be granted stands in the status before an access list is changed, and what is taken back leaves it
after. So whatever is interrupted, everything in the warehouse that is ours is known here.
"""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from carrel_operator import bigquery, grant_verdict, grants, project_view
from carrel_operator.accounts import AccountsError
from carrel_operator.api import (
    Body,
    Grant,
    GrantsStatus,
    InvalidObjectError,
    Metadata,
    Reason,
)
from carrel_operator.appointments import Appointments
from carrel_operator.bigquery import AccessList, Warehouse, WarehouseError
from carrel_operator.cache import Cache
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import ClusterError
from carrel_operator.grant_record import GrantRecord
from carrel_operator.grant_verdict import Failure
from carrel_operator.places import Key
from carrel_operator.registry import Registry
from carrel_operator.settings import Settings
from carrel_operator.workqueue import RetryError

PATIENCE = timedelta(minutes=10)  # with a warehouse that keeps a project from being deleted
_ATTEMPTS = 5  # at an access list that somebody else changes at the same time
_REASONS: dict[type[WarehouseError], Reason] = {
    bigquery.MissingError: Reason.DATASET_NOT_FOUND,
    bigquery.ForbiddenError: Reason.NO_PERMISSION,
    bigquery.RefusedError: Reason.GRANT_REFUSED,
    bigquery.SignInError: Reason.SIGN_IN_FAILED,
}
_IMPOSSIBLE: dict[type[grants.WishError], Reason] = {
    grants.NoWarehouseError: Reason.NO_WAREHOUSE,
    grants.UnknownPrincipalsError: Reason.UNKNOWN_PRINCIPALS,
    grants.TooManyError: Reason.TOO_MANY_GRANTS,
}

logger = logging.getLogger("carrel")


@dataclass(slots=True)
class _Work:
    """What one look at a project's datasets has come to so far."""

    key: Key
    wishes: frozenset[Grant]
    mine: frozenset[Grant]
    elsewhere: frozenset[Grant]
    held: dict[str, frozenset[Grant]]  # by dataset: what may be in its list by our hand
    failures: list[Failure]

    def held_in_all(self) -> frozenset[Grant]:
        return frozenset().union(*self.held.values())


class GrantReconciler:
    """Keeps the access lists of datasets in step with the Projects that name them."""

    def __init__(
        self, cluster: Cluster, cache: Cache, settings: Settings, registry: Registry, warehouse: Warehouse
    ) -> None:
        self._record = GrantRecord(cluster, cache)
        self._cache = cache
        self._settings = settings
        self._registry = registry
        self._warehouse = warehouse
        self._appointments = Appointments()
        self._locks: dict[str, asyncio.Lock] = {}
        principal = settings.identity.principal_of(settings.namespace, "operator")
        self._parties = grant_verdict.Parties(principal, warehouse.address)

    async def reconcile(self, key: Key) -> float | None:
        """Reconcile one Project's grants; the result is the seconds until it wants to be looked at again.

        Raises:
            RetryError: Kubernetes refused something.
        """
        try:
            return await self._reconcile(key)
        except ClusterError as error:
            raise RetryError(error.message, error.retry_after) from error
        except AccountsError as error:
            raise RetryError(str(error)) from error

    async def leave(self, key: Key) -> None:
        """Take back all that a Project has, or let go of what can't be: nobody will be here to try again."""
        if self._record.body(key) is not None:
            await self._settle(key, frozenset(), "", datetime.now(UTC))

    async def _reconcile(self, key: Key) -> float | None:
        body = self._record.body(key)
        if body is None:
            self._appointments.forget(key)
            return None
        said = self._record.said(key)
        try:
            wishes = await self._wishes(key, body)
        except grants.WishError as error:
            condition = grant_verdict.impossible(_IMPOSSIBLE[type(error)], str(error))
            await self._record.tell(key, replace(said, settled="", condition=condition))
            return None
        if wishes is None:
            return None
        what = grants.mark(wishes, Metadata.parse(body).generation)
        if not wishes and not said.grants:
            await self._record.tell(key, GrantsStatus())
            await self._record.hold(key, wanted=False)
            return None
        if not self._appointments.known(key, what) and said.settled == what:
            return self._appointments.after_success(key, what)
        return self._appointments.due_in(key, what) or await self._settle(key, wishes, what, _let_go_at(body))

    async def _wishes(self, key: Key, body: Body) -> frozenset[Grant] | None:
        """What the project wants; None while that can't be known, and what there is stays."""
        if "deletionTimestamp" in body["metadata"]:
            return frozenset()
        try:
            if body["spec"].get("warehouse", {}).get("datasets"):
                await self._registry.read()
            seen = project_view.seen(self._cache, key)
        except InvalidObjectError:
            return None
        if seen is None or (seen.number is None and seen.project.warehouse.datasets):
            return None
        groups = (each.group for each in seen.project.members if each.group)
        return grants.wanted(seen, self._cache.index.people.of(groups), self._settings.identity)

    async def _settle(
        self, key: Key, wishes: frozenset[Grant], what: str, let_go_at: datetime | None
    ) -> float | None:
        """Ask the warehouse, and make it be so."""
        said = self._record.said(key)
        datasets = sorted({each.dataset for each in wishes | said.grants})
        held = {name: frozenset(each for each in said.grants if each.dataset == name) for name in datasets}
        async with AsyncExitStack() as alone:
            for dataset in datasets:  # in their order, so that no two projects wait for each other
                await alone.enter_async_context(self._locks.setdefault(dataset, asyncio.Lock()))
            work = _Work(key, wishes, said.grants, project_view.granted_elsewhere(self._cache, key), held, [])
            lists = await self._read(work)
            await self._record.hold(key, wanted=bool(work.held_in_all()))
            await self._record.tell(key, replace(said, grants=work.held_in_all()))
            for dataset, found in lists.items():
                await self._change(work, dataset, found)
            return await self._conclude(work, what, let_go_at)

    async def _read(self, work: _Work) -> dict[str, AccessList]:
        """The lists, with what will be ours in them noted."""
        found: dict[str, AccessList] = {}
        for dataset in sorted(work.held):
            try:
                found[dataset] = await self._warehouse.read(dataset)
            except WarehouseError as error:
                self._failed(work, dataset, error)
                if isinstance(error, bigquery.UnreachableError | bigquery.SignInError):
                    break
                continue
            work.held[dataset] |= self._wanted_of(work, dataset, found[dataset]).ours
        return found

    async def _change(self, work: _Work, dataset: str, found: AccessList) -> None:
        try:
            for _ in range(_ATTEMPTS):
                wanted = self._wanted_of(work, dataset, found)
                try:
                    if wanted.differs:
                        await self._warehouse.write(dataset, wanted.access, found.etag)
                        logger.info("dataset %s: access list changed for %s", dataset, work.key)
                except bigquery.ChangedError:
                    found = await self._warehouse.read(dataset)
                else:
                    work.held[dataset] = wanted.ours
                    return
            raise bigquery.UnreachableError("somebody else changes it all the time")
        except WarehouseError as error:
            self._failed(work, dataset, error)

    def _wanted_of(self, work: _Work, dataset: str, found: AccessList) -> grants.Change:
        return grants.change(dataset, found.entries, work.wishes, work.mine, work.elsewhere)

    def _failed(self, work: _Work, dataset: str, error: WarehouseError) -> None:
        """Note it; with a dataset that is gone its entries are too."""
        gone = isinstance(error, bigquery.MissingError)
        if gone:
            work.held[dataset] = frozenset()
        if not gone or any(each.dataset == dataset for each in work.wishes):
            reason = _REASONS.get(type(error), Reason.WAREHOUSE_UNREACHABLE)
            work.failures.append(self._parties.failure(reason, dataset, str(error)))

    async def _conclude(self, work: _Work, what: str, let_go_at: datetime | None) -> float | None:
        key, left = work.key, work.held_in_all()
        now = datetime.now(UTC)
        if work.failures and let_go_at and now >= let_go_at:
            await self._record.left_behind(key, left)
            work.failures.clear()
            left = frozenset()
        condition = grant_verdict.verdict(work.wishes, work.failures, let_go_at)
        settled = what if work.wishes and not work.failures else ""
        await self._record.tell(key, GrantsStatus(left, settled, condition))
        await self._record.hold(key, wanted=bool(left))
        if work.failures:
            return self._appointments.after_failure(key, what)
        return self._appointments.after_success(key, what) if work.wishes else None


def _let_go_at(body: Body) -> datetime | None:
    """Until when a project that is being deleted waits for the warehouse."""
    deleted = body["metadata"].get("deletionTimestamp")
    return datetime.fromisoformat(deleted) + PATIENCE if deleted else None
