"""A home that is full locks nobody out, and grows where its storage lets it; it never becomes smaller."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from support.cluster import Kubectl, Person, Platform, eventually
from support.kernels import Kernel
from support.own_disk import small_home

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


def test_a_person_works_on_with_a_home_that_is_full_to_the_last_byte(
    person: NewPerson, platform: Platform, kube: Kubectl
) -> None:
    ada = person()
    with small_home(ada, platform, kube) as disk:
        disk.fill()
        ada.start()
        kernel = Kernel.start(ada, "full.ipynb")
        assert eventually("a kernel that counts", lambda: kernel.run("print(6 * 7)").said, 60) == "42\n"
        eventually("the hub knows", lambda: used_percent(ada) == 100, 60)
        ada.stop()

        ada.start(rescue=True)
        home, full = ada.python(LOOK).splitlines()
        assert "written" in home
        assert full == "['kept']"
        assert ada.web("api/contents/full-home/kept", "DELETE").status_code == 204
        ada.stop()

        ada.start()
        assert ada.web("api/contents/new.txt", "PUT", json=TEXT).status_code == 201
        ada.stop()


def test_a_home_that_fills_up_grows_by_itself(person: NewPerson, platform: Platform, kube: Kubectl) -> None:
    ada = person()
    with small_home(ada, platform, kube) as disk:
        ada.start()
        disk.fill()
        eventually("the claim asks for more", lambda: disk.requested() == "1Gi", 120)
        eventually("the person reads why", lambda: "is growing to 1 GiB" in said(ada), 30)
        disk.grow(1024)
        eventually(
            "the person reads that it is there", lambda: "has its disk of 1 GiB, more than" in said(ada), 30
        )
        eventually("the hub knows", lambda: used_percent(ada) < 50, 60)
        assert ada.web("api/contents/new.txt", "PUT", json=TEXT).status_code == 201
        assert disk.requested() == "1Gi"
        ada.stop()


def test_an_admin_makes_a_home_larger_and_never_smaller(
    person: NewPerson, platform: Platform, kube: Kubectl
) -> None:
    ada = person()
    with small_home(ada, platform, kube) as disk:
        ada.start()
        wish(ada, "128Mi")
        eventually("the claim asks for more", lambda: disk.requested() == "128Mi", 30)
        disk.grow(128)
        eventually("the person reads that it is there", lambda: said(ada).endswith("has its disk."), 30)
        wish(ada, "32Mi")
        sentence = "has its disk of 128 MiB, more than the 32 MiB asked for: a disk never becomes smaller."
        eventually("the person reads why it stays", lambda: sentence in said(ada), 30)
        assert disk.requested() == "128Mi"
        ada.stop()

        wish(ada, "192Mi")
        eventually("the claim of a stopped server asks for more too", lambda: disk.requested() == "192Mi", 30)


def test_storage_that_cannot_grow_is_a_sentence_and_not_asked_again(person: NewPerson) -> None:
    ada = person()
    ada.start()
    ada.settle()
    wish(ada, "11Gi")
    sentence = "has its disk of 10 GiB; it can't grow to 11 GiB: its storage class does not let volumes grow."
    eventually("the person reads why", lambda: sentence in said(ada), 30)
    ada.settle()
    before = ada.versions()
    ada.kube("annotate", "notebook", ada.name, "looked-at=again")
    eventually("it was looked at", lambda: ada.versions() != before, 10)
    assert sentence in said(ada)
    assert ada.answers()


TEXT = {"type": "file", "format": "text", "content": "text"}


def wish(somebody: Person, size: str) -> None:
    somebody.kube(
        "patch", "notebook", somebody.name, "--type=merge", "-p", json.dumps({"spec": {"homeSize": size}})
    )


def status(somebody: Person) -> dict[str, Any]:
    notebook = somebody.notebook()
    assert notebook
    found: dict[str, Any] = notebook.get("status", {})
    return found


def said(somebody: Person) -> str:
    """What the operator says of the home."""
    conditions = status(somebody).get("conditions", ())
    return next((each["message"] for each in conditions if each["type"] == "VolumesReady"), "")


def used_percent(somebody: Person) -> int:
    return next((each.get("usedPercent", -1) for each in status(somebody).get("volumes", ())), -1)
