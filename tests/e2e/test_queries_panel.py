"""My queries: a person sees what they asked the warehouse, ends what runs, and gets back what is done."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from carrel_lab.queries.labels import document
from support.cluster import unique

from .conftest import Person
from .desk import command, open_and_run_all, open_notebook, small_desk, use_theme
from .played_queries import EVERYTHING, GIB, SILENT, Played

pytestmark = pytest.mark.cluster

People = Callable[[str], Person]

NOTEBOOK = "queries.ipynb"
SLOW = unique("delay").replace("-", "_")  # not the one of an earlier try, which may still run
CELLS = (
    f"""
from google.cloud import bigquery
client = bigquery.Client()
def ask(sql, **labels):
    labels = {{"carrel_document": {document(NOTEBOOK)!r}, **labels}}
    return client.query(sql, job_config=bigquery.QueryJobConfig(labels=labels))
""",
    """
done = ask("SELECT origin, COUNT(*) AS flights FROM nycflights13.flights GROUP BY origin", carrel_cell="cell-1")
print(done.result().total_rows, done.job_id)
""",
    """
slow = ask("SELECT carrier, AVG(dep_delay) AS SLOW FROM nycflights13.flights GROUP BY carrier", carrel_cell="cell-2",
           stand_in_seconds="300")
slow.result()
""".replace("SLOW", SLOW),
    "# the last cell is the active one after Run All Cells",
)


@pytest.fixture
def alan(person: People) -> Iterator[Person]:
    with small_desk(person("alan")) as someone:
        yield someone


def panel(someone: Person) -> Locator:
    return someone.page.get_by_role("region", name="My queries")


def entry(someone: Person, statement: str) -> Locator:
    """The newest query with that in it."""
    return panel(someone).get_by_role("listitem").filter(has_text=statement).first


def test_a_query_is_seen_cancelled_and_got_back(alan: Person) -> None:
    page = alan.page
    alan.site.put_notebook("alan", NOTEBOOK, CELLS)
    open_and_run_all(alan, NOTEBOOK)
    command(alan, "Carrel: My queries")
    expect(panel(alan)).to_be_visible()
    slow = entry(alan, SLOW)
    expect(slow).to_contain_text(re.compile(r"Running \d"))
    alan.picture("queries-running")
    slow.get_by_role("button", name="Cancel").click()
    expect(slow).to_contain_text("Cancelled")
    cells = page.locator(".jp-Notebook:visible .jp-CodeCell")
    expect(cells.nth(2)).to_contain_text("User requested cancellation")
    alan.picture("queries-cancelled")
    the_result_comes_into_a_cell_below(alan, cells)
    for theme in ("Dark", "Light"):
        use_theme(alan, theme)
        entry(alan, "origin").hover()
        alan.picture(f"queries-{theme.lower()}")


def the_result_comes_into_a_cell_below(alan: Person, cells: Locator) -> None:
    done = entry(alan, "origin")
    expect(done).to_contain_text("Done in")
    expect(done).to_contain_text(NOTEBOOK)
    found = re.search(r"3 (\S+)", cells.nth(1).locator(".jp-OutputArea-output").inner_text())
    assert found
    done.hover()
    done.get_by_role("button", name="Show the cell").click()
    expect(alan.page.locator(".jp-Notebook:visible .jp-Cell.jp-mod-active")).to_contain_text("total_rows")
    cells.nth(0).locator(".jp-InputPrompt").click()
    done.hover()
    done.get_by_role("button", name="Get the result").click()
    expect(cells.nth(2).locator(".jp-Editor")).to_have_text(f"df = %bq_attach {found[1]}")
    expect(cells.nth(2).locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]"))


def test_every_kind_of_query_is_told_in_words(alan: Person) -> None:
    page, played = alan.page, Played()
    page.route(re.compile("/carrel/queries"), played.answer)
    open_notebook(alan, "welcome.ipynb")
    command(alan, "Carrel: My queries")
    expect(panel(alan)).to_contain_text("Nothing asked yet")
    alan.picture("queries-none")
    played.queries = EVERYTHING
    panel(alan).get_by_role("button", name="Refresh").click()
    expect(panel(alan)).to_contain_text("8.8 GiB of today's 10 GiB left")
    expect(panel(alan).get_by_role("meter")).to_have_attribute(
        "aria-valuetext", "8.8 GiB of today's 10 GiB left"
    )
    expect(entry(alan, "no_such_column")).to_contain_text("Unrecognized name")
    expect(entry(alan, "by month")).to_have_count(0)  # comments are not what was asked
    expect(entry(alan, "USING")).to_contain_text("1.2 GiB · $1.25 · welcome.ipynb")
    expect(entry(alan, "SELECT 1")).to_contain_text("from the cache")
    a_running_one_is_followed_and_cancelled(alan, played)
    the_keyboard_is_enough(alan)
    in_both_themes(alan, played)
    nothing_is_asked_at_rest(alan, played)
    silence_is_told(alan, played)


def a_running_one_is_followed_and_cancelled(alan: Person, played: Played) -> None:
    running = entry(alan, "AVG(dep_delay)")
    expect(running).to_contain_text("Running 12 s")
    before = played.asked
    alan.page.wait_for_timeout(5000)
    assert 1 <= played.asked - before <= 3
    running.get_by_role("button", name="Cancel").click()
    expect(running).to_contain_text("Being cancelled…")
    assert [each.partition("&")[0] for each in played.cancelled] == ["q1/cancel?location=EU"]


def the_keyboard_is_enough(alan: Person) -> None:
    page = alan.page
    panel(alan).get_by_role("button", name="Refresh").focus()
    page.keyboard.press("Tab")
    expect(panel(alan).get_by_role("listitem").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    second = panel(alan).get_by_role("listitem").nth(1)
    expect(second).to_be_focused()
    page.keyboard.press("Tab")
    expect(second.get_by_role("button", name="Get the result")).to_be_focused()
    alan.picture("queries-keyboard")


def in_both_themes(alan: Person, played: Played) -> None:
    for theme, left, said in (("Dark", 1.5 * GIB, "1.5 GiB"), ("Light", GIB // 4, "256 MiB")):
        played.left = left
        use_theme(alan, theme)
        expect(panel(alan)).to_contain_text(f"{said} of today's 10 GiB left")
        entry(alan, "USING").hover()
        alan.picture(f"all-queries-{theme.lower()}")


def nothing_is_asked_at_rest(alan: Person, played: Played) -> None:
    played.queries = EVERYTHING[1:]
    expect(entry(alan, "AVG(dep_delay)")).to_have_count(0)
    before = played.asked
    alan.page.wait_for_timeout(5000)
    assert played.asked == before


def silence_is_told(alan: Person, played: Played) -> None:
    played.status = 502
    panel(alan).get_by_role("button", name="Refresh").click()
    expect(panel(alan).get_by_role("alert")).to_have_text(SILENT)
    expect(entry(alan, "USING")).to_be_visible()
    alan.picture("queries-silent")
