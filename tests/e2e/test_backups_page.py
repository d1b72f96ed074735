"""A file comes back by the hub's page, with the keyboard alone."""

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from support.cluster import Kubectl, eventually, unique

from .conftest import Person
from .desk import choose, stop, wait_for_the_desk

pytestmark = pytest.mark.cluster

People = Callable[[str], Person]


def test_a_file_comes_back_by_the_page(person: People) -> None:
    kube = Kubectl(os.environ["KUBECONFIG"])
    ada = person("ada")
    ada.sign_in()
    choose(ada, "Small")
    wait_for_the_desk(ada)
    word = unique("asked")
    kube("annotate", "pvc", "home-ada", f"carrel.dev/backup-now={word}", "--overwrite")

    def answered() -> bool:
        backup = kube.get("volumebackup", "home-ada")
        return bool(backup) and backup.get("status", {}).get("answeredRequest") == word

    eventually("the home is backed up", answered, 90)
    page = ada.page
    page.goto(f"{ada.site.url}/hub/home")
    page.get_by_role("link", name="Backups").click()
    expect(page.get_by_role("heading", name="Get a file back")).to_be_visible()
    expect(page.get_by_label("As of").locator("option").first).to_be_attached()
    ada.picture("backups")
    page.get_by_label("File or folder").focus()
    page.keyboard.type("welcome.ipynb")
    page.keyboard.press("Enter")
    expect(page.locator("#restores")).to_contain_text("'welcome.ipynb' as of")
    expect(page.locator("#restores")).to_contain_text("is in 'restored/")
    page.get_by_label("File or folder").fill("welcom.ipynb")
    page.keyboard.press("Enter")
    expect(page.locator("#restores")).to_contain_text("There is 'welcome.ipynb'.")
    page.get_by_label("File or folder").fill("../x")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("leads out of the files")
    ada.picture("restored")
    ada.in_dark("restored")
    assert not [each for each in ada.complaints if "400" not in each]
    stop(ada)
