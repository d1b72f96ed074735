"""Who is stopped without having asked for it, what is news, and that a change at the last moment wins."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carrel_hub import activity
from carrel_hub.activity import Report
from carrel_hub.idle_stop import Hub, Stopper
from carrel_hub.notebooks import Notebooks
from carrel_operator import idle
from carrel_operator.api import Notebook
from carrel_operator.api.times import stamp
from carrel_operator.settings import Cull
from unit.hub.kubernetes_api import KubernetesApi
from unit.hub.kubernetes_api import notebook as body

Eventually = Callable[[Callable[[], object]], Awaitable[None]]

POLICY = Cull(timeout=600)
START = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)


class World:
    """A hub's view of Ada's server, and what it does."""

    def __init__(self, api: KubernetesApi, notebooks: Notebooks) -> None:
        self.api, self.notebooks = api, notebooks
        self.last_used: datetime | None = None
        self.gone: list[str] = []
        self.stopper = Stopper(notebooks, POLICY, Hub(lambda *_: self.last_used, self._gone))

    async def _gone(self, owner: str, server: str) -> None:
        self.gone.append(f"{owner}/{server}")

    async def look(self, minutes: float, clock: float | None = None) -> None:
        """Look so many minutes after the start; the clock that never jumps may have another opinion."""
        await self.stopper.look(
            START + timedelta(minutes=minutes), 60 * (minutes if clock is None else clock)
        )

    @property
    def running(self) -> bool:
        return bool(self.api.objects["notebooks"]["ada"]["spec"]["running"])


@pytest.fixture
async def world(api: KubernetesApi, notebooks: Notebooks) -> World:
    api.put("notebooks", body() | {"status": {"startedAt": stamp(START)}})
    await notebooks.view.all()
    return World(api, notebooks)


async def test_a_server_that_never_asks_is_stopped_when_it_is_overdue_for_as_long_again(world: World) -> None:
    for minutes in (5, 9, 11, 20):
        await world.look(minutes)
        assert world.running
    await world.look(21.5)
    assert not world.running
    assert world.gone == ["ada/"]
    annotations = world.api.objects["notebooks"]["ada"]["metadata"]["annotations"]
    assert annotations["carrel.dev/stopped-because"].startswith(
        "It was stopped at 10:21 UTC, because nothing had run since 10:00 UTC."
    )
    assert annotations["carrel.dev/stopped-session"] == "s1"


async def test_a_clock_that_jumps_stops_nobody(world: World) -> None:
    await world.look(5, clock=5)
    for minute in range(6, 15):
        await world.look(minute + 1000, clock=minute)
    assert world.running


async def test_a_server_without_an_agent_lives_by_what_jupyterhub_knows(
    world: World, eventually: Eventually
) -> None:
    world.last_used = START + timedelta(minutes=12)
    await world.look(11)
    await world.look(22)
    assert world.running

    def told() -> str:
        status = world.api.objects["notebooks"]["ada"].get("status", {})
        found: str = status.get("activity", {}).get("idleSince", "")
        return found

    await eventually(lambda: told() == stamp(world.last_used or START))
    await world.look(30)
    assert world.running


async def test_an_age_that_is_too_high_is_an_end_for_everybody(world: World) -> None:
    world.stopper = Stopper(
        world.notebooks, Cull(timeout=10**6, max_age=600), Hub(lambda *_: None, world._gone)
    )
    await world.look(9)
    assert world.running
    await world.look(11)
    assert not world.running


async def test_whatever_changed_since_it_was_judged_wins(world: World) -> None:
    judged = await world.notebooks.view.get("ada")
    assert judged
    world.api.put(
        "notebooks", world.api.objects["notebooks"]["ada"] | {"status": {"startedAt": stamp(START)}}
    )
    stop = idle.planned(judged, None, POLICY)
    assert stop
    assert not await world.stopper.stop(judged, stop, START)
    assert world.running
    assert world.gone == []


async def test_a_view_that_may_be_old_stops_nobody(world: World, eventually: Eventually) -> None:
    world.api.down = True
    world.api.end_watches()
    await eventually(lambda: not world.notebooks.view.fresh)
    for minutes in (11, 22, 33):
        await world.look(minutes)
    world.api.down = False
    assert world.running


def notebook(**said: Any) -> Notebook:
    status: dict[str, Any] = {"startedAt": stamp(START)}
    if said:
        status["activity"] = {"session": "s1", "busy": False} | said
    metadata = {"name": "ada", "namespace": "carrel", "uid": "u"}
    return Notebook.parse({**body(), "metadata": metadata, "status": status})


@pytest.mark.parametrize(
    ("before", "report", "news"),
    [
        pytest.param(notebook(), Report(idle_for=3590), False, id="idle since the start, as is known"),
        pytest.param(notebook(), Report(idle_for=3000), True, id="idle for less"),
        pytest.param(notebook(), Report(busy=True), True, id="busy"),
        pytest.param(notebook(busy=True), Report(busy=True), False, id="busy still"),
        pytest.param(notebook(busy=True), Report(idle_for=0), True, id="no longer busy"),
        pytest.param(
            notebook(busy=True, session="s0"), Report(idle_for=3600), False, id="of a session before this one"
        ),
        pytest.param(
            notebook(idleSince=stamp(START + timedelta(minutes=30))),
            Report(idle_for=1810),
            False,
            id="idle still",
        ),
    ],
)
def test_only_news_is_written(before: Notebook, report: Report, *, news: bool) -> None:
    now = START + timedelta(hours=1)
    after = activity.believed(before, report, None, Cull(), now)
    assert (after is not before) is news
    assert activity.believed(after, report, None, Cull(), now) is after


def test_nothing_is_written_before_the_operator_has_seen_it_run() -> None:
    early = Notebook.parse(body() | {"metadata": {"name": "ada"}})
    assert activity.believed(early, Report(busy=True), None, Cull(), START) is early


def test_what_everybody_is_told() -> None:
    now = START + timedelta(minutes=50)
    found = activity.view(notebook(), None, Cull(keep_at_most=7200), now)
    assert found == {
        "will_stop_at": "2026-11-27T11:00:00Z",
        "stops_in": 600.0,
        "idle_since": "2026-11-27T10:00:00Z",
        "idle_timeout": 3600.0,
        "keep_until": None,
        "keep_at_most": 7200,
        "message": "",
    }
    nothing = activity.view(notebook(), None, Cull(enabled=False), now)
    assert (nothing["will_stop_at"], nothing["idle_timeout"], nothing["keep_at_most"]) == (None, None, 0)
    assert activity.view(None, None, Cull(), now)["will_stop_at"] is None


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"idle_for": -1}', b'{"idle_for": 1e30}', b'{"busy": 1}', b'{"x": 1}']
)
def test_what_is_no_report_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(activity.ActivityError, match=r"^The report can't be used: .*\.$"):
        activity.parse(content)


async def test_the_watch_over_idle_servers_ends_with_the_hub(world: World) -> None:
    task = asyncio.create_task(world.stopper.run())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
