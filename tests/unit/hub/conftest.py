import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest

from carrel_hub.bodies import FIELD_MANAGER
from carrel_hub.notebooks import Notebooks
from carrel_operator.cluster import Cluster
from unit.hub import kubernetes_api
from unit.hub.kubernetes_api import KubernetesApi


@pytest.fixture
async def api() -> AsyncIterator[KubernetesApi]:
    """A Kubernetes API with two sizes, a reserved one, and two images."""
    async with kubernetes_api.served() as api:
        api.put("instancetypes", kubernetes_api.size("small", order=1))
        api.put("instancetypes", kubernetes_api.size("large", order=2))
        api.put("instancetypes", kubernetes_api.size("gpu", order=3, allowedGroups=["researchers"]))
        api.put("notebookimages", kubernetes_api.image("standard", default=True))
        api.put("notebookimages", kubernetes_api.image("other"))
        yield api


@pytest.fixture
async def cluster(api: KubernetesApi) -> AsyncIterator[Cluster]:
    cluster = Cluster(httpx2.AsyncClient(base_url=api.url), FIELD_MANAGER)
    yield cluster
    await cluster.close()


@pytest.fixture
async def notebooks(cluster: Cluster) -> AsyncIterator[Notebooks]:
    notebooks = Notebooks(cluster, "carrel")
    notebooks.open()
    yield notebooks
    await notebooks.close()


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Wait until something is true."""

    async def wait(is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not is_so():  # noqa: ASYNC110 - what tests wait for is not an event
                await asyncio.sleep(0.01)

    return wait
