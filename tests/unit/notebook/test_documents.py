"""The label of a job leads back to the notebook that began it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from carrel_lab.queries.labels import document
from carrel_lab.queries_panel.documents import Documents


def test_a_notebook_is_found_by_its_label_wherever_it_lies(tmp_path: Path) -> None:
    deep = tmp_path / "home" / ("Long Name " * 9).strip() / "x.ipynb"
    hidden = tmp_path / "home" / ".ipynb_checkpoints" / "y.ipynb"
    project = tmp_path / "shared" / "z.ipynb"
    for path in (deep, hidden, project):
        path.parent.mkdir(parents=True)
        path.touch()
    (tmp_path / "home" / "projects").symlink_to(project.parent)
    (project.parent / "back").symlink_to(tmp_path / "home")
    now = SimpleNamespace(seconds=0.0)
    documents = Documents(tmp_path / "home", lambda: now.seconds)
    name = f"{deep.parent.name}/x.ipynb"
    labels = [
        document(name),
        document("projects/z.ipynb"),
        document(".ipynb_checkpoints/y.ipynb"),
        document("later.ipynb"),
    ]
    assert documents.paths(labels) == {labels[0]: name, labels[1]: "projects/z.ipynb"}
    (tmp_path / "home" / "later.ipynb").touch()
    deep.unlink()
    assert documents.paths(labels) == {labels[1]: "projects/z.ipynb"}, "not looked again at once"
    now.seconds = 31
    assert documents.paths(labels) == {labels[1]: "projects/z.ipynb", labels[3]: "later.ipynb"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("plain", "plain"),
        ("Work/a b.ipynb", "work-a-b-ipynb-"),
        ("x" * 64, "x" * 54 + "-"),
        ("a" + "b" * 60 + ".ipynb", "b" * 48 + "-ipynb-"),
    ],
)
def test_a_label_is_what_bigquery_takes(path: str, expected: str) -> None:
    assert document(path).startswith(expected)
    assert len(document(path)) <= 63
