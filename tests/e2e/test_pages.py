"""The hub's pages in a browser: by the keyboard alone, with hostile names, and with five hundred servers.

The hub is a real one; the cluster that it sees is played here, so states are shown that no test could wait for.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from carrel_operator import names
from support.cluster import eventually
from support.own_hub import OwnHub, served
from unit.hub.kubernetes_api import KubernetesApi, image, notebook, size

from .conftest import SCREENSHOTS

HOSTILE = "<img src=x onerror=alert(1)>"
MANY = 500
NO_ROOM = (
    "No node has room for size 'gpu' (8 CPU, 32 GiB): there is not enough nvidia.com/gpu. "
    "Choose a smaller size, or wait until somebody stops theirs."
)
KILLED = (
    "The kernel of big.ipynb was stopped, because cell [7] used up the memory (peak 2 GiB of 2 GiB). "
    "Its variables are lost, other kernels go on: choose a larger size before you run it again."
)
GIB = 1024**3

Visit = Callable[[str, str], Page]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnHub]:
    with served(tmp_path_factory.mktemp("hub"), {"analysts": {"users": ["ada"]}}, ["grace"]) as found:
        found.cluster(furnish)
        yield found


@pytest.fixture
def visit(hub: OwnHub, browser: Browser) -> Iterator[Visit]:
    """Sign somebody in and open a page; whatever the browser complains of fails the test."""
    contexts, complaints = [], []

    def answer(dialog: Dialog) -> None:
        if dialog.message != "Stop the desk of alan? Files stay; what is in memory is lost.":
            complaints.append(dialog.message)
        dialog.accept()

    def come(name: str, path: str) -> Page:
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 900}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", answer)
        page.goto(f"{hub.url}/hub/login?next={path}")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill("any")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{path}")
        return page

    yield come
    for context in contexts:
        context.close()
    assert complaints == []


def furnish(api: KubernetesApi) -> None:
    api.put("instancetypes", size("small", displayName="Small", pricePerHour=0.05, order=1))
    api.put("instancetypes", size("large", displayName="Large", pricePerHour=0.2, order=2))
    api.put("notebookimages", image("standard", displayName="Data science", default=True))
    people = [{"user": f"person-{index:03}", "role": "viewer"} for index in range(200)]
    spec = {
        "displayName": f"Forecast {HOSTILE}",
        "members": [{"group": "analysts", "role": "editor"}, *people],
    }
    ready = {"type": "Ready", "status": "True", "reason": "Ready", "message": "Ready."}
    volume = {"claim": "project-forecast", "phase": "Bound", "size": "100Gi"}
    status = {"volume": volume, "conditions": [ready]}
    api.put(
        "projects", {"metadata": {"name": "forecast", "namespace": "carrel"}, "spec": spec, "status": status}
    )


def server(
    owner: str, phase: str = "Running", message: str = "The server is running.", **more: Any
) -> dict[str, Any]:
    """A Notebook and what operator and hub say of it."""
    spec = more.pop("spec", {})
    ready = {
        "type": "Ready",
        "status": "True" if phase == "Running" else "False",
        "reason": phase,
        "message": message,
        "lastTransitionTime": "2026-11-27T21:05:00Z",
    }
    home = {"name": "home", "claim": "home", "phase": "Bound", "size": "10Gi"}
    status = {
        "phase": phase,
        "message": message,
        "observedGeneration": 9,
        "conditions": [ready],
        "node": "node-1",
        "memory": {"limit": "2Gi", "peak": str(17 * GIB // 10), "session": "s1"},
        "volumes": [{**home, "used": str(3 * GIB), "fileSystem": str(98 * GIB // 10)}],
        **more,
    }
    body = notebook(owner, running=phase != "Stopped", **spec)
    body["metadata"]["name"] = names.notebook(owner, spec.get("server", ""))
    return {**body, "status": status}


def picture(page: Page, title: str) -> None:
    """In both themes, and on three screens."""
    for width, height in ((1280, 900), (1920, 1080), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=SCREENSHOTS / f"page-{title}-{width}-{scheme}.png", full_page=width != 1920)
    page.set_viewport_size({"width": 1280, "height": 900})


def operate(hub: OwnHub, name: str, phase: str, message: str, reason: str = "", **more: Any) -> None:
    hub.cluster(lambda api: api.say(name, phase, reason or phase, message, **more))


def asked(hub: OwnHub, name: str, field: str) -> Any:
    return hub.cluster(lambda api: api.objects["notebooks"].get(name, {}).get("spec", {}).get(field))


def test_from_start_to_stop_by_the_keyboard_alone(hub: OwnHub, visit: Visit) -> None:
    page = visit("ada", "/hub/home")
    desk = page.get_by_role("article", name="Your desk")
    start = desk.get_by_role("button", name="Start", exact=True)
    tab_to(page, start)
    page.keyboard.press("Enter")
    eventually("the start was asked for", lambda: asked(hub, "ada", "running"), 20)
    operate(hub, "ada", "Pending", NO_ROOM, "Unschedulable")
    expect(desk.get_by_role("status").filter(has_text=NO_ROOM)).to_be_visible()
    expect(desk.get_by_role("button", name="Cancel")).to_be_focused()

    address = hub.cluster(lambda api: api.url)
    session = asked(hub, "ada", "session")
    operate(
        hub, "ada", "Running", "The server is running.", url=address, session=session, instanceType="small"
    )
    expect(desk.get_by_role("link", name="Open")).to_have_attribute("href", "/user/ada")
    expect(desk).to_contain_text("$0.05 per hour")
    with hub.client() as client:
        eventually("the hub has it too", lambda: client.get("/users/ada").json()["servers"][""]["ready"], 20)

    keep = desk.get_by_label("Keep it")
    keep.select_option("4h")
    eventually("to be kept was asked for", lambda: asked(hub, "ada", "keepUntil"), 20)
    expect(keep).to_have_value("")

    chooser = desk.get_by_label("Size of Your desk")
    tab_to(page, chooser)
    page.keyboard.press("ArrowDown")
    eventually("the size was asked for", lambda: asked(hub, "ada", "instanceType") == "large", 20)
    waits = {
        "state": "Deferred",
        "reason": "NodeFull",
        "message": "The node has no room for size 'large' now.",
    }
    more = {"url": address, "session": session, "instanceType": "small"}
    operate(hub, "ada", "Running", "The server is running.", resize=waits, **more)
    expect(desk.get_by_text("The node has no room")).to_be_visible()
    expect(desk.get_by_role("button", name="Restart now to apply")).to_be_visible()
    expect(chooser).to_be_focused()

    tab_to(page, desk.get_by_role("button", name="Stop"))
    page.keyboard.press("Enter")
    eventually("the stop was asked for", lambda: asked(hub, "ada", "running") is False, 20)
    operate(hub, "ada", "Stopped", "The server is stopped.")
    expect(start).to_be_focused()


def tab_to(page: Page, wanted: Locator) -> None:
    """By the tab key, as far as it takes; the focus can be seen on the way."""
    expect(wanted).to_be_visible()
    page.locator("body").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("node => node === document.activeElement"):
            assert wanted.evaluate("node => getComputedStyle(node).outlineStyle") != "none"
            return
    pytest.fail(f"The tab key does not lead to {wanted}.")


def test_what_people_wrote_is_text(hub: OwnHub, visit: Visit) -> None:
    with hub.client() as client:
        assert (
            client.put("/users/ada/servers/lab", json={"display_name": f"Lab {HOSTILE}"}).status_code == 201
        )
    kill = {"at": "2026-11-27T21:30:00Z", "action": "KernelKilled", "message": f"{KILLED} {HOSTILE}"}
    lab = server("ada", spec={"server": "lab"}, memory={"limit": "2Gi", "lastKill": kill})
    hub.cluster(lambda api: (api.put("notebooks", lab), api.put("notebooks", server(HOSTILE, node=HOSTILE))))
    page = visit("ada", "/hub/home")
    expect(page.get_by_role("heading", name=f"Lab {HOSTILE}")).to_be_visible()
    expect(page.get_by_text(f"{KILLED} {HOSTILE}")).to_be_visible()
    project = page.get_by_role("article", name="Forecast")
    expect(project.get_by_role("heading")).to_have_text(f"Forecast {HOSTILE} editor")
    expect(project.get_by_text("person-199, viewer")).to_be_hidden()
    project.get_by_text("200 people and 1 group").click()
    expect(project.get_by_text("person-199, viewer")).to_be_visible()
    project.get_by_text("200 people and 1 group").click()
    picture(page, "home")
    page = visit("grace", "/hub/desks")
    expect(page.get_by_role("rowheader", name=HOSTILE)).to_be_visible()
    assert page.locator("main img").count() == 0


def test_a_person_without_projects_is_told_what_one_is(visit: Visit) -> None:
    page = visit("newcomer", "/hub/home")
    expect(page.get_by_text("You are in none. An administrator makes a project")).to_be_visible()


def test_an_administrator_stops_somebodys_server_and_the_owner_sees_it(hub: OwnHub, visit: Visit) -> None:
    owner = visit("alan", "/hub/home")
    desk = owner.get_by_role("article", name="Your desk")
    desk.get_by_role("button", name="Start", exact=True).click()
    eventually("the start was asked for", lambda: asked(hub, "alan", "running"), 20)
    more = {"url": hub.cluster(lambda api: api.url), "session": asked(hub, "alan", "session")}
    operate(hub, "alan", "Running", "The server is running.", instanceType="small", **more)
    expect(desk.get_by_role("link", name="Open")).to_be_visible()

    page = visit("grace", "/hub/desks")
    row = page.get_by_role("row", name="alan")
    row.get_by_role("button", name="Stop").press("Enter")
    expect(row.get_by_role("button", name="Stop")).to_be_hidden()
    operate(hub, "alan", "Stopped", "The server is stopped.")
    expect(row.get_by_role("button", name="Start")).to_be_focused()
    expect(desk.get_by_role("button", name="Start", exact=True)).to_be_visible()


def test_five_hundred_servers_are_found_sorted_and_acted_on(hub: OwnHub, visit: Visit) -> None:
    hub.token_of("crowd-299")  # known to the hub, so that it can be acted on
    hub.cluster(crowd)
    page = visit("grace", "/hub/desks")
    rows = page.locator("#desks tr:visible")
    expect(rows).to_have_count(rows_of(hub))
    page.locator("#filter").fill("crowd-2 running")  # roles and labels are slow to find among so many
    expect(rows).to_have_count(100)
    expect(page.locator("#sum")).to_have_text(f"100 of {rows_of(hub)} desks, 100 running, $5.00 per hour")
    for _ in range(2):
        page.locator("[data-sort='memory.percent']").press("Enter")
    expect(page.locator("th[aria-sort]")).to_have_text("Memory")
    expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "descending")
    expect(rows.first.locator("th")).to_contain_text("crowd-299")

    rows.first.locator("[data-do=restart]").focus()
    memory = {"limit": "2Gi", "peak": str(2 * GIB), "session": "s1"}
    operate(hub, "crowd-200", "Running", "You left 'x'.", memory=memory)
    expect(rows.first.locator("th")).to_contain_text("crowd-200")
    expect(rows.nth(1).locator("th")).to_contain_text("crowd-299")
    expect(rows.nth(1).locator("[data-do=restart]")).to_be_focused()
    picture(page, "desks")


def crowd(api: KubernetesApi) -> None:
    for index in range(MANY):
        peak = 2 * GIB - 2**25 if index == 299 else GIB + index * 2**20
        memory = {"limit": "2Gi", "peak": str(peak), "session": "s1"}
        api.put("notebooks", server(f"crowd-{index:03}", memory=memory))


def rows_of(hub: OwnHub) -> int:
    return hub.cluster(lambda api: len(api.objects["notebooks"]))
