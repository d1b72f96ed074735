"""What the page shows of answers that no small cluster gives on demand: the agent's answers are played by the test."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from .conftest import Person
from .desk import command, small_desk, use_theme

pytestmark = pytest.mark.cluster

People = Callable[[str], Person]

GIB = 1024**3
KILLED = (
    "The kernel of welcome.ipynb was stopped before the whole server ran out of memory: it used 1.9 of 2 GiB while it "
    "ran cell [3]. Everything else goes on, and your files are as you saved them."
)
CELL = '[2] print(f"{flights_by_month.flights.su…'
NO_ROOM = "No machine of this kind can give 8 GiB to this server where it is. Restart it to move it."


class Agent:
    """Answers below carrel/ as the server's agent would."""

    def __init__(self) -> None:
        self.used = 0.5 * GIB
        self.size = "small"
        self.resize = {"state": "Applied", "reason": "Applied", "message": "Small applies."}
        self.notices: list[dict[str, Any]] = []
        self.restarts: list[Any] = []
        self.keep_until: str | None = None
        self.will_stop_at: str | None = None
        self.kept: list[Any] = []

    def answer(self, route: Route) -> None:
        path, method = route.request.url.partition("/carrel/")[2].partition("?")[0], route.request.method
        if path == "events":
            route.fulfill(content_type="text/event-stream", body=self._stream())
        elif path == "usage":
            route.fulfill(json=self._usage())
        elif path == "keep":
            self.kept.append(route.request.post_data_json)
            self.keep_until = self.will_stop_at = _from_now(hours=4)
            route.fulfill(status=202, json=self._sizes())
        elif path == "restart":
            self.restarts.append(route.request.post_data_json)
            route.fulfill(status=503, json={"message": "The hub is being replaced. Try again in a moment."})
        elif method == "PATCH" and route.request.post_data_json == {"instance_type": "medium"}:
            route.fulfill(
                status=403, json={"message": "Size medium is not for you. You may use: small, large."}
            )
        else:
            if method == "PATCH":
                self.size = route.request.post_data_json["instance_type"]
                self.resize = {"state": "Infeasible", "reason": "Infeasible", "message": NO_ROOM}
            route.fulfill(status=202 if method == "PATCH" else 200, json=self._sizes())

    def _stream(self) -> str:
        notices = "".join(f"event: notice\ndata: {json.dumps(each)}\n\n" for each in self.notices)
        return f"{notices}event: usage\ndata: {json.dumps(self._usage())}\n\n"

    def _usage(self) -> dict[str, Any]:
        memory = {"used": int(self.used), "limit": 2 * GIB, "peak": 2 * GIB}
        last = (
            {"at": "2026-11-23T19:00:00Z", "action": "KernelKilled", "message": KILLED}
            if self.notices
            else None
        )
        home = {"used": GIB, "size": 10 * GIB}
        stop = {**self._stop(), "running": []}
        return {"memory": memory, "kernels": [], "home": home, "last_kill": last, "stop": stop}

    def _stop(self) -> dict[str, Any]:
        times = {"will_stop_at": self.will_stop_at, "keep_until": self.keep_until}
        return {**times, "idle_timeout": 3600, "keep_at_most": 172_800}

    def _sizes(self) -> dict[str, Any]:
        sizes = [
            _size("small", 2, 0.05),
            _size("medium", 4, 0.1),
            _size("large", 8, 0.2),
            _size("gpu", 32, 1.5, why="A GPU is in another machine."),
        ]
        return {
            "instance_type": self.size,
            "running": True,
            "currency": "$",
            "sizes": sizes,
            "resize": self.resize,
            **self._stop(),
        }


def _from_now(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _size(name: str, gib: int, price: float, why: str = "") -> dict[str, Any]:
    memory = {"memory": f"{gib} GiB", "memory_bytes": gib * GIB, "price_per_hour": price, "cpu": "2"}
    return (
        {"name": name, "display_name": name.capitalize(), "description": "", "grow_to": None}
        | memory
        | {
            "live": not why,
            "why": why,
        }
    )


@pytest.fixture
def grace(person: People) -> Iterator[Person]:
    with small_desk(person("grace")) as someone:
        yield someone


def test_every_answer_is_a_sentence_with_a_way_on(grace: Person) -> None:
    agent, page = Agent(), grace.page
    page.route("**/carrel/**", agent.answer)
    page.goto(f"{grace.site.url}/user/grace/lab/tree/welcome.ipynb")
    item = page.get_by_role("button", name="Change the size")
    expect(item).to_contain_text("0.5 of 2 GiB")
    expect(item).to_contain_text("$0.05/h")
    expect(page.locator(".carrel-mod-calm")).to_be_visible()
    colours_follow_the_memory(grace, agent)
    refusals_are_told(grace)
    a_restart_asks_first(grace, agent)
    a_post_mortem_stays_and_comes_once(grace, agent)
    a_stop_is_announced_and_put_off(grace, agent)


def colours_follow_the_memory(grace: Person, agent: Agent) -> None:
    for share, level in ((0.85, "tight"), (0.95, "critical"), (0.25, "calm")):
        agent.used = share * 2 * GIB
        expect(grace.page.locator(f".carrel-mod-{level}")).to_be_visible()
        grace.picture(f"memory-{level}")


def refusals_are_told(grace: Person) -> None:
    page = grace.page
    page.get_by_role("button", name="Change the size").press("Enter")
    page.get_by_role("menuitemradio", name="Medium").click()
    expect(page.get_by_role("status").get_by_text("You may use: small, large.")).to_be_visible()
    grace.picture("refused")


def a_restart_asks_first(grace: Person, agent: Agent) -> None:
    page = grace.page
    page.get_by_role("menuitemradio", name="Large").click()
    expect(page.get_by_text(NO_ROOM)).to_be_visible()
    grace.picture("infeasible")
    page.get_by_role("button", name="Restart with Large…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("variables are lost")
    grace.picture("restart")
    dialog.get_by_role("button", name="Cancel").click()
    assert not agent.restarts
    page.get_by_role("button", name="Change the size").click()
    page.get_by_role("menuitemradio", name="Gpu").click()
    expect(dialog).to_contain_text("A GPU is in another machine.")
    dialog.get_by_role("button", name="Restart now").click()
    expect(dialog).to_contain_text("The hub is being replaced.")
    assert agent.restarts == [{"instance_type": "gpu"}]
    dialog.get_by_role("button", name="Close").click()


def a_post_mortem_stays_and_comes_once(grace: Person, agent: Agent) -> None:
    page = grace.page
    agent.size, agent.resize = "small", {"state": "Applied", "reason": "Applied", "message": "Small applies."}
    expect(page.get_by_role("button", name="Change the size")).to_contain_text("Small ▸")
    notice = {"id": "1", "kind": "killed", "message": KILLED, "notebook": "welcome.ipynb", "cell": CELL}
    agent.notices.append({**notice, "at": "2026-11-23T19:00:00Z"})
    toast = page.get_by_role("alert").filter(has_text="The kernel of welcome.ipynb was stopped")
    expect(toast).to_be_visible()
    expect(toast.get_by_role("button", name="Grow to Medium")).to_be_visible()
    toast.hover()  # so it has come to rest
    grace.picture("killed")
    active = page.locator(".jp-Notebook .jp-Cell.jp-mod-active")
    expect(active).not_to_contain_text("flights_by_month.flights.sum()")
    toast.get_by_role("button", name="Show cell").click()
    expect(active).to_contain_text("flights_by_month.flights.sum()")
    toast.get_by_role("button", name="Read all").click()
    expect(page.get_by_role("dialog")).to_contain_text("your files are as you saved them")
    grace.picture("post-mortem")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_title("Hide notification", exact=True).click()
    expect(toast).to_be_hidden()
    with page.expect_response("**/carrel/events?*"):  # the notice comes again, and is not shown again
        pass
    the_last_one_can_be_asked_for(grace)
    expect(toast).to_be_hidden()


def the_last_one_can_be_asked_for(grace: Person) -> None:
    page = grace.page
    command(grace, "Carrel: Why did my kernel stop?")
    expect(page.get_by_role("dialog")).to_contain_text(KILLED)
    page.get_by_role("dialog").get_by_role("button", name="Close").click()


def a_stop_is_announced_and_put_off(grace: Person, agent: Agent) -> None:
    page = grace.page
    item = page.get_by_role("button", name="Have the server kept")
    expect(item).to_contain_text("Stops when idle ▸")
    agent.will_stop_at = _from_now(hours=0.05)
    soon = "Nothing has run here for a while, so it stops in 3 minutes. Files are kept, variables are lost."
    notice = {"id": "2", "kind": "stopping", "message": soon, "at": _from_now(hours=0)}
    agent.notices.append({**notice, "will_stop_at": agent.will_stop_at})
    toast = page.get_by_role("alert").filter(has_text="so it stops in 3 minutes")
    expect(toast.get_by_role("button", name="Keep 1 h")).to_be_visible()
    expect(item).to_contain_text(re.compile(r"Stops \d"))
    toast.hover()
    grace.picture("stops-soon")
    item.press("Enter")
    menu = page.get_by_role("menu", name="Have the server kept")
    expect(menu.get_by_role("menuitem")).to_contain_text(["Keep 1 h", "Keep 4 h", re.compile("morning")])
    grace.picture("keep")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(toast).to_be_hidden()
    assert agent.kept == [{"keep_for": "4h"}]
    item.click()
    expect(menu.get_by_role("menuitem", name="Stop as usual")).to_be_visible()
    page.keyboard.press("Escape")
    use_theme(grace, "Dark")
    item.click()
    grace.picture("keep-dark")
    page.keyboard.press("Escape")
    use_theme(grace, "Light")
