"""What a Project itself says of its grants: the status that has a writer of its own, and the finalizer."""

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

from carrel_operator import events, grant_verdict
from carrel_operator.api import GRANTS_FINALIZER, Body, Grant, GrantsStatus, Metadata
from carrel_operator.cache import Cache
from carrel_operator.cluster import FIELD_MANAGER, Cluster
from carrel_operator.cluster_errors import ClusterError
from carrel_operator.places import Key

_MANAGER = f"{FIELD_MANAGER}-grants"

logger = logging.getLogger("carrel")


class GrantRecord:
    """Reads it from the cache, and writes only what differs; the errors are the cluster's."""

    def __init__(self, cluster: Cluster, cache: Cache) -> None:
        self._cluster = cluster
        self._cache = cache

    def body(self, key: Key) -> Body | None:
        """The Project as it was last seen."""
        return self._cache.body("Project", key.namespace, key.name)

    def said(self, key: Key) -> GrantsStatus:
        """What its status says."""
        return GrantsStatus.parse((self.body(key) or {}).get("status", {}))

    async def tell(self, key: Key, new: GrantsStatus) -> None:
        """Have its status say that."""
        body = self.body(key)
        if body is None:
            return
        metadata, before = Metadata.parse(body), self.said(key)
        condition = grant_verdict.since(
            new.condition, before.condition, metadata.generation, datetime.now(UTC)
        )
        new = replace(new, condition=condition)
        if new == before:
            return
        written = await self._cluster.apply_status(metadata, new.body(), _MANAGER, kind="Project")
        self._cache.see(written, ours=True)
        if condition and condition != before.condition:
            logger.info("project %s: %s", key, condition.message)

    async def hold(self, key: Key, *, wanted: bool) -> None:
        """Put our finalizer on the Project, or take it off; nobody can put one on what is being deleted."""
        metadata = (self.body(key) or {}).get("metadata", {})
        there = metadata.get("finalizers", [])
        if (GRANTS_FINALIZER in there) == wanted or (wanted and "deletionTimestamp" in metadata):
            return
        others = [each for each in there if each != GRANTS_FINALIZER]
        finalizers = [*others, GRANTS_FINALIZER] if wanted else others
        changes = {"metadata": {"resourceVersion": metadata["resourceVersion"], "finalizers": finalizers}}
        self._cache.see(await self._cluster.merge("Project", key.namespace, key.name, changes), ours=True)

    async def left_behind(self, key: Key, left: Collection[Grant]) -> None:
        """Tell everybody what could not be taken back."""
        for each in sorted(left):
            logger.warning("project %s: left in the warehouse: %s", key, " ".join(each.body().values()))
        body = self.body(key)
        if body is None:
            return
        message, now = grant_verdict.left_behind(left), datetime.now(UTC)
        try:
            await self._cluster.create(events.warning(body, "GrantsLeftBehind", message, FIELD_MANAGER, now))
        except ClusterError as error:  # the log has it
            logger.warning("project %s: no Event was written: %s", key, error)
