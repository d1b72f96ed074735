"""After a start of the hub: servers that run although the hub knows nothing of them are stopped."""

import logging
from collections.abc import Callable

from carrel_hub.notebooks import Notebooks
from carrel_operator.cluster_errors import ClusterError

log = logging.getLogger(__name__)


async def stop_unknown(notebooks: Notebooks, is_known: Callable[[str, str], bool]) -> None:
    """Stop every server that the hub started once and that ``is_known(owner, server)`` denies.

    It can't be taken back: its API token went with the hub's database, so nobody could open it, while it would
    go on to cost money. Its files stay, and its owner starts it again. A Notebook that never had an environment
    from a hub is not the hub's to stop.
    """
    for notebook in await notebooks.view.all():
        if not notebook.running or not notebook.environment_secret:
            continue
        if is_known(notebook.owner, notebook.server):
            continue
        log.warning("Stopping notebook '%s' of %s: no server of this hub.", notebook.name, notebook.owner)
        try:
            await notebooks.stop(notebook.name)
        except ClusterError as error:
            log.warning("Notebook '%s' could not be stopped: %s", notebook.name, error)
