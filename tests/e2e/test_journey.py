"""What a person sees: sign in, choose, wait, work, stop, come back; and what others don't see."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from .conftest import Person
from .desk import choose, open_and_run_all, stop, wait_for_the_desk

pytestmark = pytest.mark.cluster

People = Callable[[str], Person]


def test_from_sign_in_to_a_plot_and_back_tomorrow(person: People) -> None:
    ada = person("ada")
    ada.sign_in()
    choose(ada, "Small")
    wait_for_the_desk(ada)
    run_the_starter_notebook(ada)
    stop(ada)
    choose(ada, "Medium")
    wait_for_the_desk(ada)
    assert all_cells_ran(ada), "the notebook's results were lost by stop and start"
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
    grace.picture("admin")

    stop(ada)


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
