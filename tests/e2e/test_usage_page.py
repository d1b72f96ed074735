"""What was used, on the hub's page and by its API: to whom which rows are told, and what is said where nothing is."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from playwright.sync_api import Browser, Page, expect

from support.own_hub import OwnHub, served
from unit.hub.kubernetes_api import KubernetesApi

from .conftest import SCREENSHOTS

GIB, TIB = 2**30, 2**40


def row(person: str, project: str = "", **more: Any) -> dict[str, Any]:
    sums = {"bytes": 0, "queries": 0, "query_cost": 0.0, "pod_hours": 0.0, "pod_cost": 0.0, "cost": 0.0}
    today = datetime.now(UTC).date().isoformat()
    return {"day": today, "person": person, "project": project, "notebook": person, **sums, **more}


ROWS = [
    row("ada", bytes=3 * GIB, queries=14, query_cost=0.02, pod_hours=6.5, pod_cost=0.33, cost=0.35),
    row("ada", "risk", bytes=2 * TIB, queries=1204, query_cost=12.5, cost=12.5),
    row("alan", "risk", bytes=40 * GIB, queries=31, query_cost=0.24, cost=0.24),
    row("project:risk", "risk", pod_hours=20.0, pod_cost=4.0, cost=4.0),
    row("<img src=x onerror=alert(1)>", bytes=10, queries=1, query_cost=0.001, cost=0.001),
]


class Gateway(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []
    away = False

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(503 if Gateway.away else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"currency": "$", "price_per_tib": 6.25, "rows": ROWS}).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, gateway: str) -> Iterator[OwnHub]:
    with served(tmp_path_factory.mktemp("hub"), {"leads": {"users": ["alan"]}}, ["grace"], gateway) as found:
        found.cluster(furnish)
        yield found


def furnish(api: KubernetesApi) -> None:
    members = [{"user": "ada", "role": "editor"}, {"group": "leads", "role": "admin"}]
    metadata = {"name": "risk", "namespace": "carrel"}
    api.put("projects", {"metadata": metadata, "spec": {"members": members}})


@pytest.mark.parametrize(
    ("person", "seen"), [("ada", [0, 1]), ("alan", [1, 2, 3]), ("newcomer", []), ("grace", [0, 1, 2, 3, 4])]
)
def test_everybody_is_told_what_concerns_them(hub: OwnHub, person: str, seen: list[int]) -> None:
    with hub.client(hub.token_of(person)) as client:
        found = client.get("/carrel/usage", params={"since": "2026-11-01"})
    assert found.status_code == 200
    assert found.json()["rows"] == [ROWS[index] for index in seen]
    assert Gateway.asked[-1] == "/usage?since=2026-11-01"


def test_a_day_that_is_none_is_refused(hub: OwnHub) -> None:
    with hub.client(hub.token_of("ada")) as client:
        refused = client.get("/carrel/usage", params={"since": "last week&until=x"})
    assert refused.status_code == 400
    assert "say it as 2026-11-26" in refused.json()["message"]


def test_strangers_are_told_nothing(hub: OwnHub) -> None:
    with hub.client("nobody") as client:
        assert client.get("/carrel/usage").status_code == 403


def visit(hub: OwnHub, browser: Browser, person: str, path: str = "/hub/usage") -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{hub.url}/hub/login?next={path}")
    page.get_by_label("Username").fill(person)
    page.get_by_label("Password").fill("any")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}")
    return page


def test_the_page_sums_up_by_person_and_project(hub: OwnHub, browser: Browser) -> None:
    page = visit(hub, browser, "grace", "/hub/home")
    page.get_by_role("link", name="Usage").click()
    expect(page.get_by_role("heading", name="What was used")).to_be_visible()
    rows = page.locator("tbody tr")
    expect(rows.first).to_contain_text("project risk")
    expect(rows.first).to_contain_text("2.0 TiB")
    expect(rows.nth(1)).to_contain_text("the project's own desk")
    expect(rows.last).to_contain_text("under $0.01")
    expect(page.locator("tfoot")).to_contain_text("$17.09")
    assert page.locator("main img").count() == 0
    table = page.locator(".carrel-scroll")
    assert table.evaluate("box => box.scrollWidth <= box.clientWidth"), "all columns are to be seen"
    page.screenshot(path=SCREENSHOTS / "usage.png")
    page.emulate_media(color_scheme="dark")
    page.reload()
    page.screenshot(path=SCREENSHOTS / "usage-dark.png")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 400, "height": 800})
    page.screenshot(path=SCREENSHOTS / "usage-narrow.png")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_who_has_used_nothing_is_told_so(hub: OwnHub, browser: Browser) -> None:
    page = visit(hub, browser, "newcomer")
    expect(page.get_by_text("Nothing yet")).to_be_visible()


def test_a_gateway_that_is_away_is_a_sentence(hub: OwnHub, browser: Browser) -> None:
    Gateway.away = True
    try:
        page = visit(hub, browser, "ada")
        expect(page.get_by_text("the gateway does not answer; try again in a minute")).to_be_visible()
    finally:
        Gateway.away = False


def test_without_a_gateway_there_is_a_sentence_and_no_link(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path, {}, []) as hub:
        page = visit(hub, browser, "ada")
        expect(page.get_by_text("What is used is not counted here")).to_be_visible()
        expect(page.get_by_role("link", name="Usage")).to_have_count(0)
        with hub.client(hub.token_of("ada")) as client:
            assert client.get("/carrel/usage").status_code == 404
