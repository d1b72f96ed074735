"""What people do again and again: choose a size, wait for JupyterLab, put the desk away."""

import contextlib
import re
import time
from collections.abc import Iterator

from playwright.sync_api import Locator, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from support.cluster import eventually, quoted

from .conftest import Person


@contextlib.contextmanager
def small_desk(someone: Person) -> Iterator[Person]:
    """Signed in and at JupyterLab, on a small server that is stopped afterwards."""
    someone.sign_in()
    choose(someone, "Small")
    wait_for_the_desk(someone)
    yield someone
    someone.page.unroute_all()
    stop(someone)


def choose(someone: Person, size: str, owner: str = "") -> None:
    """On cards: what each size has and costs, and an image; then Start. ``owner`` is a project's own hub user."""
    page = someone.page
    page.goto(f"{someone.site.url}/hub/spawn" + (f"/{quoted(owner)}" if owner else ""))
    card = page.locator("label").filter(has_text=re.compile(rf"^\s*{size}"))
    expect(card).to_contain_text(re.compile(r"\d+ CPU"))
    expect(card).to_contain_text(re.compile(r"\d+ GiB memory"))
    expect(card).to_contain_text("per hour")
    card.click()
    expect(page.locator("label").filter(has_text=re.compile(r"^\s*Data science"))).to_be_visible()
    someone.picture("choose")
    someone.in_dark("choose")
    page.locator("form").get_by_role("button", name="Start").click()


def wait_for_the_desk(someone: Person, owner: str = "") -> None:
    """A page of plain sentences, which opens JupyterLab by itself."""
    page = someone.page
    expect(page.get_by_role("heading", name=re.compile("on its way"))).to_be_visible()
    sentences = page.get_by_role("list", name="What happened so far").get_by_role("listitem")
    expect(sentences.filter(has_text=re.compile(r"\.\s*$")).first).to_be_visible()
    someone.picture("progress")
    page.wait_for_url(f"**/user/{quoted(owner or someone.name)}/**", timeout=120_000)
    expect(page.locator("#jp-top-panel")).to_be_visible()
    expect(page.locator(".jp-DirListing-item", has_text="welcome.ipynb")).to_be_visible()
    someone.picture("desk")


def open_notebook(someone: Person, notebook: str, owner: str = "") -> None:
    """Open it, with the kernel that it has or a new one; what was open the last time comes back before it."""
    page = someone.page
    page.goto(f"{someone.site.url}/user/{quoted(owner or someone.name)}/lab/tree/{notebook}")
    current = page.locator("#jp-main-dock-panel .lm-TabBar-tab.jp-mod-current")
    expect(current).to_have_text(notebook.rpartition("/")[2])
    expect(page.locator(".jp-Notebook:visible .jp-CodeCell").first).to_be_visible()
    expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible()


def open_and_run_all(someone: Person, notebook: str) -> None:
    """Open it and press Run All Cells."""
    open_notebook(someone, notebook)
    page = someone.page
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def own_desk(someone: Person) -> Locator:
    """The card of the person's default server, on the hub's home page."""
    return someone.page.get_by_role("article", name="Your desk")


def stop(someone: Person) -> None:
    """From the hub's home page, until the hub has let go of the server: before that, its start page leads to it."""
    someone.page.goto(f"{someone.site.url}/hub/home")
    own_desk(someone).get_by_role("button", name="Stop").click()
    expect(own_desk(someone).get_by_role("button", name="Start", exact=True)).to_be_visible()
    eventually("the hub has let go of the server", lambda: not someone.site.servers(someone.name), 60)


def command(someone: Person, label: str) -> None:
    """By the command palette."""
    page = someone.page
    page.get_by_role("menuitem", name="View", exact=True).click()
    page.get_by_role("menuitem", name="Activate Command Palette").click()
    page.locator(".lm-CommandPalette-input:visible").fill(label)
    page.locator(".lm-CommandPalette-item").filter(has_text=label).first.click()


def use_theme(someone: Person, name: str) -> None:
    """Light or Dark, by the menus; a cell that has just ended takes the focus, and closes one that is open."""
    page = someone.page
    themes = page.locator(".lm-Menu-item", has_text=re.compile(r"^Theme$"))
    deadline = time.monotonic() + 30
    while not themes.is_visible() and time.monotonic() < deadline:
        page.get_by_role("menuitem", name="Settings", exact=True).click()
        with contextlib.suppress(PlaywrightTimeoutError):
            themes.wait_for(timeout=1000)
    themes.hover()
    page.locator(".lm-Menu-item", has_text=f"JupyterLab {name}").first.click()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", f"JupyterLab {name}")
