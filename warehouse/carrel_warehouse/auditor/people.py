"""Whose a ServiceAccount is, and which projects pay: what the auditor asks the cluster."""

from carrel_operator.api import OWNER_ANNOTATION
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import NotFoundError


class People:
    """Asked anew for what wasn't known; nobody else ever gets an account that somebody had."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self._owners: dict[str, str] = {}

    async def owner(self, account: str) -> str:
        """Whose servers run as that ServiceAccount; empty if it is gone or nobody's."""
        if account and account not in self._owners:
            try:
                found = await self._cluster.get("ServiceAccount", self._namespace, account)
            except NotFoundError:
                return ""
            self._owners[account] = str(found["metadata"].get("annotations", {}).get(OWNER_ANNOTATION, ""))
        return self._owners.get(account, "")

    async def billing_projects(self) -> set[str]:
        """Of all Projects that have one."""
        bodies, _ = await self._cluster.list("Project", self._namespace)
        named = (body.get("spec", {}).get("warehouse", {}).get("billingProject", "") for body in bodies)
        return {str(each) for each in named if each}
