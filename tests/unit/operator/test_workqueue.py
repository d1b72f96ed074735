"""Each key once at a time, once more if asked meanwhile, later if it failed; and nothing ticks."""

import asyncio
from collections.abc import Iterable

import pytest

from carrel_operator import workqueue
from carrel_operator.workqueue import RetryError, WorkQueue


class Work:
    """Does what a script says, one entry a call: an exception is raised, a number is returned."""

    def __init__(self, script: Iterable[float | Exception | None] = ()) -> None:
        self.script = list(script)
        self.calls: list[str] = []
        self.times: list[float] = []
        self.at_once = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, key: str) -> float | None:
        self.calls.append(key)
        self.times.append(asyncio.get_running_loop().time())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.gate.wait()
        await asyncio.sleep(0)
        self.at_once -= 1
        result = self.script.pop(0) if self.script else None
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workqueue, "_FIRST_DELAY", 0.01)
    monkeypatch.setattr(workqueue, "_LONGEST_DELAY", 0.04)


async def test_a_key_asked_for_many_times_at_once_is_done_once() -> None:
    work = Work()
    queue = WorkQueue(work)
    for _ in range(10):
        queue.add("a")
    await asyncio.sleep(0.02)
    assert work.calls == ["a"]


async def test_a_key_asked_for_while_it_is_done_is_done_once_more_and_never_twice_at_once() -> None:
    work = Work()
    work.gate.clear()
    queue = WorkQueue(work)
    queue.add("a")
    await asyncio.sleep(0)
    for _ in range(5):
        queue.add("a")
        await asyncio.sleep(0)
    work.gate.set()
    await asyncio.sleep(0.02)
    assert work.calls == ["a", "a"]
    assert work.most_at_once == 1


async def test_other_keys_go_on_meanwhile_up_to_the_number_of_workers() -> None:
    work = Work()
    work.gate.clear()
    queue = WorkQueue(work, workers=3)
    for key in "abcdef":
        queue.add(key)
    await asyncio.sleep(0.01)
    assert work.calls == ["a", "b", "c"]
    work.gate.set()
    await asyncio.sleep(0.02)
    assert sorted(work.calls) == list("abcdef")
    assert work.most_at_once == 3


async def test_failures_are_tried_again_with_growing_delays_until_one_succeeds() -> None:
    work = Work([RetryError("quota"), ValueError("a fault of ours"), RetryError("quota"), None])
    queue = WorkQueue(work)
    began = asyncio.get_running_loop().time()
    queue.add("a")
    await asyncio.sleep(0.3)
    assert len(work.calls) == 4
    assert work.times[-1] - began >= 0.01 + 0.02 + 0.04


async def test_the_server_is_not_asked_sooner_than_it_said() -> None:
    work = Work([RetryError("busy", at_least=0.1)])
    queue = WorkQueue(work)
    queue.add("a")
    await asyncio.sleep(0.06)
    assert work.calls == ["a"]
    await asyncio.sleep(0.08)
    assert work.calls == ["a", "a"]


async def test_an_event_does_not_wait_for_the_retry() -> None:
    work = Work([RetryError("busy", at_least=60)])
    queue = WorkQueue(work)
    queue.add("a")
    await asyncio.sleep(0.01)
    queue.add("a")
    await asyncio.sleep(0.01)
    assert work.calls == ["a", "a"]
    await queue.close()


async def test_work_may_ask_for_another_look_later() -> None:
    work = Work([0.02, None])
    queue = WorkQueue(work)
    queue.add("a")
    await asyncio.sleep(0.01)
    assert work.calls == ["a"]
    await asyncio.sleep(0.05)
    assert work.calls == ["a", "a"]


async def test_work_that_does_not_end_is_seen() -> None:
    work = Work()
    queue = WorkQueue(work)
    assert queue.longest_run() == 0
    work.gate.clear()
    queue.add("a")
    await asyncio.sleep(0.03)
    assert queue.longest_run() >= 0.02
    await queue.close()
    assert queue.longest_run() == 0
