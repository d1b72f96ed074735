"""The one path from what is seen of a Notebook to what should be, whatever woke it."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from carrel_operator import notebook_view
from carrel_operator import status as statuses
from carrel_operator.api import Body, InvalidObjectError, Metadata, Reason, Status
from carrel_operator.cache import Cache
from carrel_operator.catalogue import Refusal
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from carrel_operator.comparison import covers
from carrel_operator.desired import DesiredSet, PodFate, desired_set
from carrel_operator.desired.image_change import waiting
from carrel_operator.expander import Expander
from carrel_operator.obstacles import identity_obstacle
from carrel_operator.places import Key
from carrel_operator.registry import Registry
from carrel_operator.resizer import Resizer
from carrel_operator.seen import Seen
from carrel_operator.settings import Settings
from carrel_operator.workqueue import RetryError

logger = logging.getLogger("carrel")


class Reconciler:
    """Makes each Notebook's children be as they should, and its status say what is."""

    def __init__(
        self,
        cluster: Cluster,
        cache: Cache,
        settings: Settings,
        registry: Registry,
        back_up: Callable[[Key], None] = lambda _: None,
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._settings = settings
        self._resizer = Resizer(cluster, cache, settings.notebook.resizes_per_second)
        self._expander = Expander(cluster, cache)
        self._registry = registry
        self._back_up = back_up  # has the backups of a claim looked at

    async def reconcile(self, key: Key) -> float | None:
        """Reconcile one Notebook; the result is the seconds after which time alone makes it worth another look.

        Raises:
            RetryError: Kubernetes refused something; the status says what.
        """
        try:
            seen = notebook_view.seen(self._cache, key)
        except InvalidObjectError as error:
            await self._report_invalid(key, error)
            return None
        if seen is None or seen.notebook.metadata.deleting:
            self._resizer.forget(key)
            self._expander.forget(key)
            return None
        seen = await self._numbered(key, seen)
        wanted = desired_set(seen, self._settings)
        failure = await self._make(wanted, seen)
        if wanted.backup_first:
            self._back_up(Key(key.namespace, wanted.backup_first))
        failure = await self._expand(key, seen, wanted) or failure
        turn_in, failure = await self._resize(key, seen, wanted, failure)
        after = notebook_view.seen(self._cache, key)
        if after is None:
            return None
        if not failure and desired_set(after, self._settings).fate not in {PodFate.LEAVE, wanted.fate}:
            return 0.0  # the world moved on meanwhile: what there is to say now, the next run says
        again_in = await self._report(key, after, _problem(failure) or waiting(after, self._settings))
        if failure:
            raise RetryError(failure.message, failure.retry_after)
        if refusal := self._resizer.passing_refusal(key):
            raise RetryError(refusal.message)
        waits = (again_in, wanted.look_again_in, turn_in)
        return min((each for each in waits if each is not None), default=None)

    async def _numbered(self, key: Key, seen: Seen) -> Seen:
        """The same, with the number that its owner's files bear; only who starts something needs one."""
        if seen.uid is not None or not seen.notebook.running or identity_obstacle(seen):
            return seen
        name = seen.principal.login
        try:
            await self._registry.give(lambda accounts: accounts.with_person(name))
        except ClusterError as error:
            raise RetryError(error.message, error.retry_after) from error
        return notebook_view.seen(self._cache, key) or seen

    async def _make(self, wanted: DesiredSet, seen: Seen) -> ClusterError | None:
        """Apply what differs, in an order that a crash after any step leaves harmless; return what was refused."""
        try:
            if wanted.fate is PodFate.DELETE and seen.pod:
                logger.info("%s: deletes its pod", seen.notebook.name)
                if left := await self._cluster.delete(seen.pod.body):
                    self._cache.see(left, ours=True)
            # The account first, for no pod is admitted without it; the pod last, for it must not run unguarded.
            await self._ensure(wanted.service_account, seen.service_account)
            await asyncio.gather(
                self._ensure(wanted.home, seen.home),
                self._ensure(wanted.service, seen.service),
                self._ensure(wanted.network_policy, seen.network_policy),
            )
            await self._ensure(wanted.pod, seen.pod.body if seen.pod else None)
        except ClusterError as error:
            return error
        return None

    async def _expand(self, key: Key, seen: Seen, wanted: DesiredSet) -> ClusterError | None:
        try:
            await self._expander.expand(key, seen.home, wanted.home_size, seen.notebook.session)
        except ClusterError as error:
            return error
        return None

    async def _resize(
        self, key: Key, seen: Seen, wanted: DesiredSet, failure: ClusterError | None
    ) -> tuple[float | None, ClusterError | None]:
        """Seconds until it is this Notebook's turn, and the first thing that went wrong."""
        try:
            return await self._resizer.resize(key, seen, wanted.resize), failure
        except ClusterError as error:
            return None, failure or error

    async def _ensure(self, wanted: Body | None, there: Body | None) -> None:
        if wanted is None or (there is not None and covers(there, wanted)):
            return
        logger.info(
            "%s %s: %s", wanted["kind"], wanted["metadata"]["name"], "updated" if there else "created"
        )
        # What may not be changed after its birth is created and never applied over, lest a stale view of the
        # cluster puts one session's name on the pod of another.
        born_once = there is None and wanted["kind"] in {"Pod", "PersistentVolumeClaim"}
        try:
            body = await (self._cluster.create(wanted) if born_once else self._cluster.apply(wanted))
        except AlreadyExistsError:
            metadata = wanted["metadata"]
            body = await self._cluster.get(wanted["kind"], metadata["namespace"], metadata["name"])
            self._cache.see(body)
            raise
        self._cache.see(body, ours=True)

    async def _report(self, key: Key, seen: Seen, problem: Refusal | None) -> float | None:
        answers = statuses.Answers(problem, self._resizer.refusal(key), self._expander.refusal(key))
        new = statuses.status(seen, self._settings, answers, datetime.now(UTC))
        if wait := statuses.fleeting(seen, new):
            return wait
        await self._write(seen.notebook.metadata, new)
        return None

    async def _report_invalid(self, key: Key, error: InvalidObjectError) -> None:
        metadata, previous = notebook_view.unreadable(self._cache, key)
        await self._write(metadata, statuses.invalid(metadata, previous, str(error), datetime.now(UTC)))

    async def _write(self, metadata: Metadata, new: Status) -> None:
        there = self._cache.body("Notebook", metadata.namespace, metadata.name)
        body = new.body()
        # what others say in the status of the same Notebook is theirs
        if there is None or Status.parse(there.get("status", {})).body() == body:
            return
        try:
            written = await self._cluster.apply_status(metadata, body)
        except (NotFoundError, ConflictError):
            return  # it was deleted meanwhile; the watch will tell
        except ClusterError as error:
            raise RetryError(error.message, error.retry_after) from error
        logger.info("%s: %s (%s) %s", metadata.name, new.phase, new.reason, new.message)
        self._cache.see(written, ours=True)


def _problem(failure: ClusterError | None) -> Refusal | None:
    """What to tell the person about a refusal; nothing about those that pass by themselves."""
    match failure:
        case ForbiddenError() if "exceeded quota" in failure.message:
            used_up = failure.message.partition("exceeded quota: ")[2]
            return Refusal(
                Reason.QUOTA_EXCEEDED,
                f"The quota for notebooks is used up ({used_up}). Choose a smaller size, or wait until others stop theirs.",
            )
        case ForbiddenError() | InvalidError():
            return Refusal(
                Reason.REFUSED, f"Kubernetes refused the server: {failure.message}. Ask an administrator."
            )
        case _:
            return None
