"""An image's key changes exactly when what goes into it changes."""

from pathlib import Path

import pytest

from carrel_local.image_source import copied, ignored_names, key

DOCKERFILE = """\
ARG BASE_IMAGE=python:3.13-slim
FROM ${BASE_IMAGE} AS build
# COPY not/this /srv
COPY requirements/hub.lock requirements/more.lock \\
     /tmp/
COPY --chown=1000:1000 ["hub_config/a file", "/srv/"]
ADD hub_config /srv/hub
FROM ${BASE_IMAGE}
COPY --from=build /opt/venv /opt/venv
copy README.md /
"""


def test_copied_paths_are_those_of_the_context_not_of_other_stages() -> None:
    assert copied(DOCKERFILE) == [
        "requirements/hub.lock",
        "requirements/more.lock",
        "hub_config/a file",
        "hub_config",
        "README.md",
    ]


def test_ignored_names_hold_at_any_depth() -> None:
    assert ignored_names("# x\n.git\n**/__pycache__\n**/*.egg-info\n") == ["__pycache__", "*.egg-info"]


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "src" / "__pycache__").mkdir(parents=True)
    (tmp_path / "src" / "a.py").write_text("a")
    (tmp_path / "other.py").write_text("b")
    (tmp_path / ".dockerignore").write_text("**/__pycache__\n")
    return tmp_path


def test_the_key_follows_what_is_copied_and_nothing_else(context: Path) -> None:
    text = "FROM x\nCOPY src /srv\n"
    before = key(text, context, "base")
    (context / "other.py").write_text("changed")
    (context / "src" / "__pycache__" / "a.pyc").write_text("bytecode")
    assert key(text, context, "base") == before
    (context / "src" / "a.py").chmod(0o755)
    executable = key(text, context, "base")
    assert executable != before
    (context / "src" / "a.py").write_text("changed")
    assert key(text, context, "base") not in (before, executable)


def test_the_key_follows_the_dockerfile_the_base_and_new_files(context: Path) -> None:
    text = "FROM x\nCOPY src /srv\n"
    keys = {
        key(text, context, "base"),
        key(text, context, "another base"),
        key(f"{text}USER 1\n", context, "base"),
    }
    (context / "src" / "new.py").write_text("")
    keys.add(key(text, context, "base"))
    assert len(keys) == 4


def test_a_path_that_is_missing_is_named(context: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.txt is not in"):
        key("COPY gone.txt /\n", context, "")
