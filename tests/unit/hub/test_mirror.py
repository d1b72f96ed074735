import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from carrel_operator import mirror
from carrel_operator.api import Notebook
from carrel_operator.cluster import Cluster
from carrel_operator.mirror import Mirror
from unit.hub.kubernetes_api import KubernetesApi, notebook

Eventually = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture
async def notebooks(
    api: KubernetesApi, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Mirror[Notebook]]:
    monkeypatch.setattr(mirror, "_FIRST_PAUSE", 0.02)
    api.put("notebooks", notebook("ada"))
    found = Mirror(cluster, "Notebook", "carrel", Notebook.parse)
    found.open()
    await found.listed()
    yield found
    await found.close()


async def watching(api: KubernetesApi, eventually: Eventually) -> None:
    await eventually(lambda: any("watch=true" in each for each in api.requests))


async def test_it_knows_what_was_there_and_what_comes_changes_and_goes(
    notebooks: Mirror[Notebook], api: KubernetesApi, eventually: Eventually
) -> None:
    assert [each.name for each in notebooks.values()] == ["ada"]
    await watching(api, eventually)
    api.put("notebooks", notebook("alan"))
    await eventually(lambda: notebooks.get("alan"))
    api.put("notebooks", notebook("alan", running=False))
    await eventually(lambda: not notebooks.get("alan").running)
    api.remove("notebooks", "alan")
    await eventually(lambda: notebooks.get("alan") is None)


async def test_a_watch_that_ends_goes_on_where_it_was_without_a_new_list(
    notebooks: Mirror[Notebook], api: KubernetesApi, eventually: Eventually
) -> None:
    await watching(api, eventually)
    api.requests.clear()
    api.end_watches()
    await watching(api, eventually)
    api.put("notebooks", notebook("alan"))
    await eventually(lambda: notebooks.get("alan"))
    assert all("watch=true" in each for each in api.requests)


async def test_what_happened_while_the_version_expired_is_found_by_a_new_list(
    notebooks: Mirror[Notebook], api: KubernetesApi, eventually: Eventually
) -> None:
    await watching(api, eventually)
    api.put("notebooks", notebook("alan"), quietly=True)
    api.remove("notebooks", "ada", quietly=True)
    api.expire()
    await eventually(lambda: notebooks.get("alan"))
    assert notebooks.get("ada") is None


async def test_it_is_not_fresh_while_the_api_server_is_away_and_recovers_by_itself(
    notebooks: Mirror[Notebook], api: KubernetesApi, eventually: Eventually
) -> None:
    await watching(api, eventually)
    assert notebooks.fresh
    api.down = True
    api.end_watches()
    await eventually(lambda: not notebooks.fresh)
    assert notebooks.get("ada"), "what was known stays known"
    api.put("notebooks", notebook("alan"), quietly=True)
    api.down = False
    await eventually(lambda: notebooks.fresh)
    assert notebooks.get("alan")


async def test_an_older_version_never_replaces_a_newer_one(
    notebooks: Mirror[Notebook], api: KubernetesApi
) -> None:
    old = api.objects["notebooks"]["ada"]
    new = api.put("notebooks", notebook("ada", running=False), quietly=True)
    notebooks.see(new)
    notebooks.see(old)
    assert not notebooks.get("ada").running
    notebooks.forget("ada", int(old["metadata"]["resourceVersion"]))
    assert notebooks.get("ada")


async def test_an_object_that_cannot_be_read_is_left_out_and_harms_no_other(
    notebooks: Mirror[Notebook], api: KubernetesApi, eventually: Eventually
) -> None:
    await watching(api, eventually)
    api.put("notebooks", {"metadata": {"name": "broken"}, "spec": {}})
    api.put("notebooks", notebook("alan"))
    await eventually(lambda: notebooks.get("alan"))
    assert notebooks.get("broken") is None


async def test_changes_begin_with_what_is_and_tell_each_change_of_that_object_alone(
    notebooks: Mirror[Notebook], api: KubernetesApi, eventually: Eventually
) -> None:
    await watching(api, eventually)
    changes = notebooks.changes("alan")
    assert await anext(changes) is None
    api.put("notebooks", notebook("ada", running=False))
    api.put("notebooks", notebook("alan"))
    assert (await anext(changes)).name == "alan"
    api.remove("notebooks", "alan")
    assert await anext(changes) is None
    await changes.aclose()


async def test_whoever_listens_to_some_names_or_to_any_is_woken_until_they_leave(
    notebooks: Mirror[Notebook], api: KubernetesApi, eventually: Eventually
) -> None:
    await watching(api, eventually)
    ada, anybody = asyncio.Event(), asyncio.Event()
    with notebooks.heard(ada, ("ada", "grace")), notebooks.heard(anybody):
        api.put("notebooks", notebook("alan"))
        await eventually(anybody.is_set)
        assert not ada.is_set()
        notebooks.wake("ada")
        assert ada.is_set()
    anybody.clear()
    api.remove("notebooks", "alan")
    await eventually(lambda: notebooks.get("alan") is None)
    assert not anybody.is_set()
