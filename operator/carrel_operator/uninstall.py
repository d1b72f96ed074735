"""``python -m carrel_operator.uninstall`` is what Helm runs before it takes the release away.

The operator is sent home first, for it would grant anew. Then what was granted in the warehouse is taken back, and no
Project is held any more: nobody would be left to let it go.
"""

import asyncio
import logging

from carrel_operator import project_view, settings
from carrel_operator.bigquery import Warehouse
from carrel_operator.cache import Cache
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import NotFoundError
from carrel_operator.grant_reconcile import GrantReconciler
from carrel_operator.handlers import SETTINGS_PATH
from carrel_operator.leaving import take_leave
from carrel_operator.registry import Registry

_SECONDS = 90  # for the operator to end, and then for the warehouse
_OPERATOR = "operator"

logger = logging.getLogger("carrel")


def main() -> None:
    """Take everything back, as far as the warehouse lets us; the log names what stays."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    asyncio.run(_uninstall(settings.load(SETTINGS_PATH), Cluster.connect()))


async def _uninstall(values: settings.Settings, cluster: Cluster) -> None:
    cache = Cache()
    for project in (await cluster.list("Project", values.namespace))[0]:
        cache.see({"kind": "Project", **project})
    if not project_view.held(cache):
        return
    await _send_home(cluster, values.namespace)
    registry = Registry(cluster, cache, values.namespace)
    grants = GrantReconciler(cluster, cache, values, registry, Warehouse.from_environment())
    await take_leave(grants, cache, _SECONDS)


async def _send_home(cluster: Cluster, namespace: str) -> None:
    """End the operator, and wait until it has."""
    try:
        await cluster.scale(namespace, _OPERATOR, 0)
    except NotFoundError:
        return
    for _ in range(_SECONDS):
        pods, _version = await cluster.names("Pod", namespace)
        if not any(name.startswith(f"{_OPERATOR}-") for name in pods):
            return
        await asyncio.sleep(1)
    logger.warning("The operator has not ended; what is taken back now it may grant again.")


if __name__ == "__main__":
    main()
