"""What a cell prints is in the notebook whoever is gone meanwhile: the tab, the browser, the hub, the whole pod."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, expect

from carrel_operator import names
from support.cluster import Kubectl, eventually, restart, unique

from .conftest import PATIENCE, Person
from .desk import choose, open_and_run_all, open_notebook, stop, wait_for_the_desk

pytestmark = pytest.mark.cluster

People = Callable[[str], Person]

NOTEBOOK = "durable.ipynb"
LINES = "import time\nfor line in range(1, {}):\n    print('line', line, flush=True)\n    time.sleep(0.4)"
SHORT, ENDLESS = LINES.format(26), LINES.format(1000)
EDIT = "# typed in the last moment"
CUT = re.compile(r"This cell was cut off at \d\d:\d\d UTC when the server ended")


def output(someone: Person) -> Locator:
    return someone.page.locator(".jp-Notebook:visible .jp-CodeCell").first.locator(".jp-OutputArea")


def saved(someone: Person) -> str:
    """The first cell's outputs as the file on the disk has them; nothing while server or proxy are away."""
    with contextlib.suppress(httpx.HTTPError):
        return json.dumps(someone.site.notebook(someone.name, NOTEBOOK)["cells"][0]["outputs"])
    return ""


def printed(someone: Person) -> int:
    """How many lines there are."""
    return saved(someone).count("line ")


def run_until(someone: Person, cell: str, line: int) -> None:
    someone.site.put_notebook(someone.name, NOTEBOOK, [cell, "1"])
    open_and_run_all(someone, NOTEBOOK)
    expect(output(someone)).to_contain_text(f"line {line}")


def comes_back(someone: Person) -> None:
    """A day later, with the server stopped meanwhile."""
    choose(someone, "Small")
    wait_for_the_desk(someone)
    open_notebook(someone, NOTEBOOK)


@pytest.mark.alone
def test_outputs_outlive_the_tab_the_browser_the_hub_and_the_pod(person: People, kube: Kubectl) -> None:
    ada = person("ada")
    ada.sign_in()
    choose(ada, "Small")
    wait_for_the_desk(ada)

    run_until(ada, SHORT, 3)
    ada.page.close()
    eventually("the first lines on the disk while the cell runs", lambda: 3 <= printed(ada) < 25, 15)
    eventually("all lines on the disk", lambda: printed(ada) == 25, 30)
    ada.new_tab()
    open_notebook(ada, NOTEBOOK)
    expect(output(ada)).to_contain_text("line 25")
    assert output(ada).inner_text().count("line ") == 25

    run_until(ada, SHORT, 3)
    ada.leave()
    restart(kube, "proxy")
    restart(kube, "hub")
    eventually("all lines on the disk", lambda: printed(ada) == 25, 60)

    ada = person("ada")
    ada.sign_in()
    open_notebook(ada, NOTEBOOK)
    ada.page.locator(".jp-Notebook:visible .jp-CodeCell").nth(1).locator(".cm-content").click()
    ada.page.keyboard.type(EDIT)
    hub(ada, "DELETE", "users/ada/server")
    eventually("the server stopped", lambda: not server(ada), 60)
    comes_back(ada)
    expect(ada.page.locator(".jp-Notebook:visible")).to_contain_text(EDIT)

    run_until(ada, ENDLESS, 10)
    pod = names.pod(names.notebook("ada", ""))
    kube("delete", "pod", pod, "--grace-period=0", "--force")
    eventually("the next server says so in the file", lambda: CUT.search(saved(ada)), 60)
    ada.new_tab()
    open_notebook(ada, NOTEBOOK)
    expect(output(ada)).to_contain_text(CUT)
    ada.picture("cut")
    ada.in_dark("cut")
    assert printed(ada) >= 5, "all but the last seconds is there"
    stop(ada)


def server(someone: Person) -> dict[str, Any]:
    """What the hub says of their server; empty when there is none."""
    found: dict[str, Any] = hub(someone, "GET", f"users/{someone.name}").json()["servers"].get("", {})
    return found


def hub(someone: Person, method: str, path: str, **more: Any) -> httpx.Response:
    """Ask the hub as its administrator."""
    return httpx.request(
        method,
        f"{someone.site.url}/hub/api/{path}",
        headers={"Authorization": f"token {someone.site.token}"},
        timeout=30,
        trust_env=False,
        **more,
    )


@pytest.fixture
def team(kube: Kubectl) -> Iterator[str]:
    """A project of ada's and alan's."""
    name = unique("team")
    members = [{"user": "ada", "role": "editor"}, {"user": "alan", "role": "editor"}]
    spec = {"members": members, "volume": {"size": "1Gi"}}
    kube.apply({"apiVersion": "carrel.dev/v1", "kind": "Project", "metadata": {"name": name}, "spec": spec})
    kube("wait", f"project/{name}", "--for=condition=Ready", "--timeout=60s")
    number = (kube.get("project", name) or {})["status"]["gid"]
    claims = (names.project_volume(name), names.project_home(name, number))
    yield name
    kube("delete", "project", name, "--ignore-not-found", "--timeout=60s")  # its server ends with it
    kube("delete", "pvc", *claims, "--ignore-not-found", "--wait=false")


def test_two_people_in_one_notebook_lose_nothing_when_one_is_offline(person: People, team: str) -> None:
    ada, alan, server = person("ada"), person("alan"), names.team(team)
    ada.sign_in()
    alan.sign_in()
    choose(ada, "Small", server)
    wait_for_the_desk(ada, server)
    path = f"projects/{team}/together.ipynb"
    ada.site.put_notebook(server, path, ["'first'", "'second'", "'third'"])
    open_notebook(ada, path, server)
    open_notebook(alan, path, server)

    write(ada, 0, " # ada")
    expect(cell(alan, 0)).to_contain_text("# ada")
    write(alan, 1, " # alan")
    expect(cell(ada, 1)).to_contain_text("# alan")
    alan.picture("together")

    alan.context.set_offline(True)
    write(alan, 2, " # from the train")
    write(ada, 0, " went on")
    alan.page.wait_for_timeout(20_000)
    alan.context.set_offline(False)
    expect(cell(ada, 2)).to_contain_text("# from the train")
    expect(cell(alan, 0)).to_contain_text("# ada went on")

    wanted = ["'first' # ada went on", "'second' # alan", "'third' # from the train"]
    eventually("saved once, and all of it", lambda: sources(ada, server, path) == wanted, 15)


def cell(someone: Person, number: int) -> Locator:
    return someone.page.locator(".jp-Notebook:visible .jp-CodeCell").nth(number)


def write(someone: Person, number: int, text: str) -> None:
    """Type at the end of a cell."""
    cell(someone, number).locator(".cm-content").click()
    someone.page.keyboard.press("Control+End")
    someone.page.keyboard.type(text)
    expect(cell(someone, number)).to_contain_text(text.strip(), timeout=PATIENCE)


def sources(someone: Person, server: str, path: str) -> list[str]:
    return [each["source"] for each in someone.site.notebook(server, path)["cells"]]
