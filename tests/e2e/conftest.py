"""A real browser before a running platform; every page it sees is kept as a picture in build/screenshots."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from support.cluster import quoted

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
CHROMIUM = "/usr/bin/chromium"
PATIENCE = 60_000  # ms: a deadline for what should come at once, on a machine that is busy
# Nothing that calls home: a machine without the world outside would wait for it.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Site:
    """The platform as a person knows it: an address, and names with passwords."""

    url: str
    token: str
    sign_ins: dict[str, str]

    def notebook(self, owner: str, name: str) -> dict[str, Any]:
        """A notebook as it is on the disk of its owner's server."""
        content: dict[str, Any] = self._get(f"/user/{quoted(owner)}/api/contents/{name}")["content"]
        return content

    def servers(self, owner: str) -> dict[str, Any]:
        """What the hub has of somebody's own server, running or on its way."""
        found: dict[str, Any] = self._get(f"/hub/api/users/{quoted(owner)}")["servers"]
        return found

    def _get(self, path: str) -> Any:
        headers = {"Authorization": f"token {self.token}"}
        answer = httpx.get(f"{self.url}{path}", headers=headers, timeout=30, trust_env=False)
        return answer.raise_for_status().json()

    def put_notebook(self, owner: str, name: str, cells: Iterable[str]) -> None:
        """Lay a notebook of code cells into somebody's home, over one of that name."""
        blank = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
        kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
        content = {
            "cells": [{**blank, "id": f"cell-{index}", "source": cell} for index, cell in enumerate(cells)],
            "metadata": {"kernelspec": kernel},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        httpx.put(
            f"{self.url}/user/{quoted(owner)}/api/contents/{name}",
            headers={"Authorization": f"token {self.token}"},
            json={"type": "notebook", "content": content},
            timeout=30,
            trust_env=False,
        ).raise_for_status()


@pytest.fixture(scope="session")
def site() -> Site:
    given = [os.environ.get(name, "") for name in ("CARREL_URL", "CARREL_TOKEN", "CARREL_SIGN_INS")]
    if not all(given):
        pytest.skip(
            "needs a running platform: make test starts one and sets CARREL_URL, _TOKEN and _SIGN_INS"
        )
    url, token, sign_ins = given
    return Site(url, token, json.loads(Path(sign_ins).read_text()))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield running
        running.close()


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, name: str, site: Site, browser: Browser) -> None:
        self.name = name
        self.site = site
        self.complaints: list[str] = []
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})
        self._pictures = 0
        self.page = self.new_tab()

    def new_tab(self) -> Page:
        """Another tab, and the one from now on."""
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._listen)
        # After five seconds, on a busy machine.
        slow = self.page.get_by_role("dialog", name="Loading").get_by_role("button", name="Continue waiting")
        self.page.add_locator_handler(slow, slow.click)
        return self.page

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "/hub/" in message.location.get("url", ""):
            self.complaints.append(message.text)

    def picture(self, title: str) -> None:
        """Keep what is on the screen."""
        self._pictures += 1
        self.page.screenshot(path=SCREENSHOTS / f"{self.name}-{self._pictures:02}-{title}.png")

    def in_dark(self, title: str) -> None:
        """Keep the same page as somebody with a dark desktop and a wide screen sees it."""
        self.page.emulate_media(color_scheme="dark")
        self.page.set_viewport_size({"width": 1920, "height": 1080})
        self.picture(f"{title}-dark")
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": 1280, "height": 900})

    def sign_in(self) -> None:
        """From the front page through the sign-in provider and back."""
        self.page.goto(self.site.url)
        self.picture("front")
        self.page.get_by_role("link", name="Sign in").or_(
            self.page.get_by_role("button", name="Sign in")
        ).click()
        self.page.locator("input[name=login]").fill(self.name)
        self.picture("name")
        self.page.keyboard.press("Enter")
        self.page.locator("input[name=password]").fill(self.site.sign_ins[self.name])
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.site.url}/**")

    def leave(self) -> None:
        self.context.close()


@pytest.fixture
def person(site: Site, browser: Browser) -> Iterator[type[Person]]:
    """Makes people: person("ada")."""
    came: list[Person] = []

    def come(name: str) -> Person:
        came.append(Person(name, site, browser))
        return came[-1]

    yield come
    for each in came:
        each.leave()
