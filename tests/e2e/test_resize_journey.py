"""Another size for a running server, by a click in the status bar: its variables stay, its limit changes."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from .conftest import Person
from .desk import open_and_run_all, open_notebook, own_desk, small_desk, use_theme

pytestmark = pytest.mark.cluster

People = Callable[[str], Person]

NOTEBOOK = "resize.ipynb"
# The first as on cgroup v2, the second as on v1.
FILES = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"
CELLS = (
    f"from pathlib import Path\ntreasure, files = 42, [file for file in map(Path, {FILES}) if file.exists()]",
    "print('treasure', treasure, 'limit', files[0].read_text().strip())",
)
UNITS = {"MiB": 1024**2, "GiB": 1024**3}


@pytest.fixture
def alan(person: People) -> Iterator[Person]:
    with small_desk(person("alan")) as someone:
        yield someone


def test_a_variable_survives_growing_and_shrinking(alan: Person) -> None:
    alan.site.put_notebook("alan", NOTEBOOK, CELLS)
    open_and_run_all(alan, NOTEBOOK)
    expect(status_bar(alan)).to_contain_text("Small")
    small = shown_limit(alan)
    assert printed_limit(alan) == small
    take_pictures(alan)

    change_to(alan, "Large")
    large = shown_limit(alan)
    assert large > small
    assert printed_limit(alan, again=True) == large

    change_to(alan, "Small")
    assert shown_limit(alan) == small
    assert printed_limit(alan, again=True) == small
    grow_on_the_hubs_page(alan)
    open_notebook(alan, NOTEBOOK)
    assert printed_limit(alan, again=True) > small


def grow_on_the_hubs_page(someone: Person) -> None:
    someone.page.goto(f"{someone.site.url}/hub/home")
    chooser = own_desk(someone).get_by_label("Size of Your desk")
    expect(chooser).to_have_value("small")
    chooser.select_option("medium")
    expect(own_desk(someone)).to_contain_text("of 4 GiB")
    expect(own_desk(someone).get_by_text("is being applied")).to_have_count(0)
    expect(chooser).to_have_value("medium")


def status_bar(someone: Person) -> Locator:
    return someone.page.get_by_role("button", name="Change the size")


def printed_limit(someone: Person, *, again: bool = False) -> int:
    """What the kernel that has the variable reads of its own cgroup; without the variable it prints an error."""
    cell = someone.page.locator(".jp-Notebook:visible .jp-CodeCell").nth(1)
    if again:
        before = cell.locator(".jp-InputPrompt").inner_text()
        cell.locator(".jp-Editor").click()
        someone.page.keyboard.press("Shift+Enter")
        expect(cell.locator(".jp-InputPrompt")).not_to_have_text(re.compile(rf"{re.escape(before)}|\*"))
    output = cell.locator(".jp-OutputArea-output")
    expect(output).to_have_text(re.compile(r"treasure 42 limit \d+"))
    return int(output.inner_text().split()[-1])


def shown_limit(someone: Person) -> int:
    """The bytes that the status bar calls the limit."""
    expect(status_bar(someone)).to_have_text(re.compile(r"[\d.]+ of [\d.]+ [MG]iB"))
    found = re.search(r"of ([\d.]+) ([MG]iB)", status_bar(someone).inner_text())
    assert found
    return int(float(found[1]) * UNITS[found[2]])


def change_to(someone: Person, size: str) -> None:
    """Choose it in the popup and wait until the kernel's limit is the one that the popup promised."""
    page = someone.page
    status_bar(someone).click()
    row = page.get_by_role("menuitemradio", name=re.compile(rf"^{size}"))
    expect(row).to_contain_text("applies live")
    promised = re.search(r"[\d.]+ [MG]iB", row.inner_text())
    assert promised
    row.click()
    expect(row).to_contain_text("changing…")
    someone.picture(f"changing-to-{size.lower()}")
    expect(row).to_contain_text("now")
    expect(status_bar(someone)).to_contain_text(f"of {promised[0]}")
    expect(status_bar(someone)).to_contain_text(size)
    someone.picture(f"is-{size.lower()}")
    expect(page.get_by_role("menu", name="Sizes")).to_be_hidden()


def take_pictures(someone: Person) -> None:
    """The status bar and its popup as people with either theme and either screen see them."""
    page = someone.page
    for theme in ("Dark", "Light"):
        use_theme(someone, theme)
        for width, height in ((1920, 1080), (1280, 900)):
            page.set_viewport_size({"width": width, "height": height})
            status_bar(someone).click()
            expect(page.get_by_role("menu", name="Sizes")).to_be_visible()
            someone.picture(f"sizes-{theme.lower()}-{width}")
            page.keyboard.press("Escape")
            expect(page.get_by_role("menu", name="Sizes")).to_be_hidden()
