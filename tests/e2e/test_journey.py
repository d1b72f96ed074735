"""What a person sees: sign in, choose, wait, work, stop, come back; and what others don't see."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from carrel_operator import names
from support.cluster import Kubectl, unique

from .conftest import Person
from .desk import choose, open_and_run_all, own_desk, stop, wait_for_the_desk

pytestmark = pytest.mark.cluster

People = Callable[[str], Person]


def test_from_sign_in_to_a_plot_and_back_tomorrow(person: People, team: str) -> None:
    ada = person("ada")
    ada.sign_in()
    choose(ada, "Small")
    wait_for_the_desk(ada)
    run_the_starter_notebook(ada)
    stop(ada)
    start_at_another_size(ada)
    assert all_cells_ran(ada), "the notebook's results were lost by stop and start"
    sees_the_project(ada, team)
    assert not ada.complaints

    alan = person("alan")
    alan.sign_in()
    answer = alan.page.goto(f"{alan.site.url}/user/ada/lab")
    assert answer is not None
    assert answer.status == 403
    expect(alan.page.get_by_role("heading", name="This is not open to you")).to_be_visible()
    expect(alan.page.get_by_role("link", name="Home", exact=True).last).to_be_visible()
    alan.picture("not-his-server")

    grace = person("grace")
    grace.sign_in()
    grace.page.goto(f"{grace.site.url}/hub/admin")
    expect(grace.page.get_by_text("ada", exact=True).first).to_be_visible()
    stops_somebodys_desk(grace)
    expect(own_desk(ada).get_by_role("button", name="Start", exact=True)).to_be_visible()


@pytest.fixture
def team(kube: Kubectl) -> Iterator[str]:
    """A project of which ada is a member."""
    name, display_name = unique("journey"), "Flights <img src=x>"
    members = [{"user": "ada", "role": "editor"}, {"group": "platform-admins", "role": "viewer"}]
    spec = {"displayName": display_name, "members": members, "volume": {"size": "1Gi"}}
    kube.apply({"apiVersion": "carrel.dev/v1", "kind": "Project", "metadata": {"name": name}, "spec": spec})
    yield name
    kube("delete", "project", name, "--wait=false")
    kube("delete", "persistentvolumeclaim", names.project_volume(name), "--ignore-not-found", "--wait=false")


def start_at_another_size(someone: Person) -> None:
    """In place, on the home page: the sentences come and go, and then it can be opened."""
    desk = own_desk(someone)
    desk.get_by_label("Size of Your desk").select_option("medium")
    desk.get_by_role("button", name="Start", exact=True).click()
    desk.get_by_role("link", name="Open").click()
    expect(someone.page.locator("#jp-top-panel")).to_be_visible()


def sees_the_project(someone: Person, name: str) -> None:
    someone.page.goto(f"{someone.site.url}/hub/home")
    expect(own_desk(someone)).to_contain_text("of 4 GiB")
    project = someone.page.get_by_role("article", name="Flights <img src=x>")
    expect(project).to_contain_text("editor")
    expect(project).to_contain_text(f"~/projects/{name}")
    expect(project).to_contain_text("1 person and 1 group")
    expect(project.locator("[data-show=space]")).to_be_visible()
    someone.picture("home")
    someone.in_dark("home")


def stops_somebodys_desk(admin: Person) -> None:
    page = admin.page
    page.get_by_role("link", name="All desks").click()
    page.get_by_label("Filter").fill("ada")
    row = page.get_by_role("row", name="ada")
    expect(row).to_contain_text("Running")
    admin.picture("all-desks")
    admin.in_dark("all-desks")
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Stop").click()
    expect(row.get_by_role("button", name="Start")).to_be_visible()
    expect(row).to_contain_text("Stopped")


def run_the_starter_notebook(someone: Person) -> None:
    """Run all cells, as a person would, and wait until each has its result and the file is saved."""
    page = someone.page
    page.set_viewport_size({"width": 1280, "height": 3000})  # so that JupyterLab draws every cell
    open_and_run_all(someone, "welcome.ipynb")
    expect(page.locator(".jp-Notebook table.dataframe").first).to_be_visible(timeout=120_000)
    expect(page.locator(".jp-Notebook .jp-RenderedImage img").first).to_be_visible(timeout=120_000)
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saving completed")).to_be_visible()
    someone.picture("notebook")
    assert all_cells_ran(someone)
    page.set_viewport_size({"width": 1280, "height": 900})


def all_cells_ran(someone: Person) -> bool:
    """Whether every code cell of the file on disk has run, without an error."""
    content = someone.site.notebook(someone.name, "welcome.ipynb")
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    errors = [out for cell in cells for out in cell["outputs"] if out["output_type"] == "error"]
    assert not errors, json.dumps(errors)
    return bool(cells) and all(cell["execution_count"] for cell in cells)
