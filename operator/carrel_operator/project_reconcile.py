"""The one path from what is seen of a Project to what should be."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from carrel_operator import project_status as statuses
from carrel_operator import project_view
from carrel_operator.accounts import AccountsError
from carrel_operator.api import Body, InvalidObjectError, Metadata, ProjectStatus
from carrel_operator.cache import Cache
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import ClusterError, ConflictError, NotFoundError
from carrel_operator.comparison import covers
from carrel_operator.desired.project import ProjectSet, project_set
from carrel_operator.desired.project_care import Care, care
from carrel_operator.desired.project_clone import Clone, clone
from carrel_operator.expander import Expander
from carrel_operator.places import Key
from carrel_operator.project_seen import ProjectSeen
from carrel_operator.registry import Registry
from carrel_operator.settings import IdentityMode, Settings
from carrel_operator.workqueue import RetryError

logger = logging.getLogger("carrel")


class ProjectReconciler:
    """Makes each Project's volume be as it should, and its status say what is."""

    def __init__(
        self,
        cluster: Cluster,
        cache: Cache,
        settings: Settings,
        registry: Registry,
        numbered: Callable[[Key], None] = lambda _: None,
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._settings = settings
        self._registry = registry
        self._has_number = numbered  # to be called when a project has got one, for no watch tells of that
        self._expander = Expander(cluster, cache)

    async def reconcile(self, key: Key) -> float | None:
        """Reconcile one Project; the result is the seconds until it wants to be looked at again, 0 for at once.

        Raises:
            RetryError: Kubernetes refused something; the status says what.
        """
        try:
            seen = project_view.seen(self._cache, key)
        except InvalidObjectError as error:
            await self._report_invalid(key, error)
            return None
        if seen is None or seen.project.metadata.deleting:
            self._expander.forget(key)
            return None
        now = datetime.now(UTC)
        wanted = care(seen, self._settings, now, in_use=project_view.in_use(self._cache, key))
        cloned = clone(seen, self._cache.catalogue().default_image, self._settings, now)
        failure = await self._make(key, seen, wanted, cloned)
        after = project_view.seen(self._cache, key)
        if after is None:
            return None
        if not failure and after != seen:
            return 0.0  # something was done: what is next, and what there is to say, the next run knows
        problem = f"Kubernetes says: {failure.message}" if failure else self._expander.refusal(key)
        said = statuses.Said(problem, self._principal(after), self._cache.accounts.names())
        await self._write(after.project.metadata, statuses.project_status(after, said, now))
        if failure:
            raise RetryError(failure.message, failure.retry_after)
        return min(
            (each for each in (wanted.look_again_in, cloned.try_again_in) if each is not None), default=None
        )

    def _principal(self, seen: ProjectSeen) -> str:
        """What the warehouse calls it; empty where there is none."""
        identity, account = self._settings.identity, seen.service_account
        if account is None or identity.mode is IdentityMode.NONE:
            return ""
        return identity.principal_of(account["metadata"]["namespace"], account["metadata"]["name"])

    async def _make(self, key: Key, seen: ProjectSeen, looked: Care, cloned: Clone) -> ClusterError | None:
        """Number, account, claim, then the pod that works on it: a crash after any step leaves the next one to do."""
        try:
            numbered = await self._numbered(key, seen)
            wanted = project_set(numbered, self._settings, {**looked.marks, **cloned.marks})
            await self._ensure(wanted, numbered)
            generation = str(numbered.project.metadata.generation)
            await self._expander.expand(key, numbered.claim, wanted.size, generation)
            await self._remove(numbered.preparer if wanted.preparer_goes else None)
            await self._remove(numbered.carer if looked.pod_goes else None)
            await self._remove(numbered.cloner if cloned.pod_goes else None)
            for pod in filter(None, (looked.pod, cloned.pod)):
                self._cache.see(await self._cluster.create(pod), ours=True)
        except ClusterError as error:
            return error
        except AccountsError as error:
            return ConflictError(str(error))
        return None

    async def _numbered(self, key: Key, seen: ProjectSeen) -> ProjectSeen:
        """The same with its number: a new one, or that of the files which an administrator handed to it."""
        name, uid, handed = seen.project.name, seen.project.metadata.uid, seen.number_of_files
        if seen.number is not None and handed in {None, seen.number}:
            return seen
        await self._registry.give(lambda accounts: accounts.with_project(name, uid, handed))
        self._has_number(key)
        return project_view.seen(self._cache, key) or seen

    async def _ensure(self, wanted: ProjectSet, seen: ProjectSeen) -> None:
        account = wanted.service_account
        if account and not (seen.service_account and covers(seen.service_account, account)):
            logger.info("ServiceAccount %s: applied", account["metadata"]["name"])
            self._cache.see(await self._cluster.apply(account), ours=True)
        if wanted.claim and not (seen.claim and covers(seen.claim, wanted.claim)):
            name = wanted.claim["metadata"]["name"]
            logger.info("PersistentVolumeClaim %s: %s", name, "updated" if seen.claim else "created")
            apply = self._cluster.apply if seen.claim else self._cluster.create
            self._cache.see(await apply(wanted.claim), ours=True)
        if wanted.preparer:
            self._cache.see(await self._cluster.create(wanted.preparer), ours=True)

    async def _remove(self, pod: Body | None) -> None:
        left = await self._cluster.delete(pod) if pod and "deletionTimestamp" not in pod["metadata"] else None
        if left:
            self._cache.see(left, ours=True)

    async def _report_invalid(self, key: Key, error: InvalidObjectError) -> None:
        body: Body = self._cache.body("Project", key.namespace, key.name) or {}
        metadata, previous = Metadata.parse(body), ProjectStatus.parse(body.get("status", {}))
        now = datetime.now(UTC)
        await self._write(metadata, statuses.invalid(previous, metadata.generation, str(error), now))

    async def _write(self, metadata: Metadata, new: ProjectStatus) -> None:
        there = self._cache.body("Project", metadata.namespace, metadata.name)
        body = new.body()
        if there is None or ProjectStatus.parse(there.get("status", {})).body() == body:
            return
        try:
            written = await self._cluster.apply_status(metadata, body, kind="Project")
        except (NotFoundError, ConflictError):
            return  # it was deleted meanwhile; the watch will tell
        except ClusterError as error:
            raise RetryError(error.message, error.retry_after) from error
        logger.info("project %s: %s", metadata.name, new.message)
        self._cache.see(written, ours=True)
