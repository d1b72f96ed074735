"""A home that is full locks nobody out: a rescue start opens beside it, once."""

from collections.abc import Callable

import pytest

from support.cluster import Person

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]

LOOK = """
from pathlib import Path
import os
home = Path.home()
(home / "written").write_text("now")
print(sorted(path.name for path in home.iterdir() if not path.name.startswith(".")))
print((home / "full-home").is_dir() and sorted(path.name for path in (home / "full-home").glob("kept*")))
"""


def test_a_rescue_start_opens_beside_the_home_for_this_once(person: NewPerson) -> None:
    ada = person()
    ada.start()
    kept = {"type": "file", "format": "text", "content": "kept"}
    assert ada.web("api/contents/kept.txt", "PUT", json=kept).status_code == 201
    ada.stop()

    ada.start(rescue=True)
    assert ada.answers()
    home, full = ada.python(LOOK).splitlines()
    assert home == "['full-home', 'welcome.ipynb', 'written']"
    assert full == "['kept.txt']"
    assert ada.web("api/contents/full-home/kept.txt", "DELETE").status_code == 204
    notebook = ada.notebook()
    assert notebook
    assert notebook["spec"]["rescue"] is True
    assert "your own is in its folder 'full-home'" in notebook["status"]["message"]
    ada.stop()

    answer = ada.hub.post(ada.path())  # names no options: those of the last start, but for the rescue
    assert answer.status_code in {201, 202}, answer.text
    ada.start_is_over()
    home, full = ada.python(LOOK).splitlines()
    assert home == "['welcome.ipynb', 'written']"
    assert full == "False"
    notebook = ada.notebook()
    assert notebook
    assert not notebook["spec"]["rescue"]


def test_a_rescue_that_is_neither_true_nor_false_starts_nothing(person: NewPerson) -> None:
    ada = person()
    answer = ada.ask(rescue="perhaps")
    assert answer.status_code == 400
    assert answer.json()["message"] == "The option 'rescue' must be true or false."
    assert ada.notebook() is None
