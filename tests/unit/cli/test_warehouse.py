"""``carrel warehouse load`` as a command: what it hands on, and what it says where it can't work."""

import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from carrel_cli import commands


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CARREL_URL", "CARREL_TOKEN", "JUPYTERHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)


class Loading(ModuleType):
    """The notebook's module, played."""

    def __init__(self, answer: str | None) -> None:
        super().__init__("carrel_lab.loading")
        self.answer = answer
        self.asked: list[tuple[str, str, str]] = []

    def load(self, file: str, wanted: str, how: str, say: Callable[[str], None]) -> str | None:
        self.asked.append((file, wanted, how))
        say("It goes on.")
        return self.answer


def test_it_loads_without_a_hub(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    loading = Loading(None)
    monkeypatch.setitem(sys.modules, "carrel_lab.loading", loading)
    assert commands.main(["warehouse", "load", "a.csv"]) == 0
    assert commands.main(["warehouse", "load", "a.csv", "b.c", "--append"]) == 0
    assert commands.main(["warehouse", "load", "--replace", "a.csv"]) == 0
    assert loading.asked == [("a.csv", "", ""), ("a.csv", "b.c", "append"), ("a.csv", "", "replace")]
    assert capsys.readouterr().out == "It goes on.\n" * 3


def test_a_refusal_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "carrel_lab.loading", Loading("'a.csv' is empty."))
    assert commands.main(["warehouse", "load", "a.csv"]) == 1
    assert capsys.readouterr().err == "'a.csv' is empty.\n"


def test_elsewhere_it_says_where_it_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "carrel_lab.loading", None)
    assert commands.main(["warehouse", "load", "a.csv"]) == 1
    assert capsys.readouterr().err.startswith(
        "A file is loaded from a notebook: run this in a terminal there"
    )


def test_one_way_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        commands.main(["warehouse", "load", "a.csv", "--append", "--replace"])
    assert "not allowed with" in capsys.readouterr().err
