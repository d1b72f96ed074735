"""What the extension is made of is part of the image's key, and its lock is the same wherever npm asks for packages."""

import json
from pathlib import Path

import pytest

from carrel_local import image_source

ROOT = Path(__file__).parents[3]
EXTENSION = ROOT / "images" / "notebook" / "lab_extension"


def test_every_source_file_changes_the_image() -> None:
    patterns = image_source.copied((EXTENSION.parent / "Dockerfile").read_text())
    taken = set(image_source.files(ROOT, patterns, []))
    sources = {path for folder in ("src", "style", "test") for path in (EXTENSION / folder).rglob("*.*")}
    sources |= {EXTENSION / name for name in ("package.json", "package-lock.json", "tsconfig.json")}
    assert sources <= taken


def test_what_a_build_leaves_behind_does_not() -> None:
    patterns = image_source.copied((EXTENSION.parent / "Dockerfile").read_text())
    made = {EXTENSION / name for name in ("lib", "labextension", "node_modules")}
    assert not [path for path in image_source.files(ROOT, patterns, []) if made & set(path.parents)]
    assert not [pattern for pattern in patterns if pattern.rstrip("/").endswith("lab_extension")]


@pytest.mark.parametrize("image", ["proxy", "notebook/lab_extension"])
def test_a_lock_names_no_registry(image: str) -> None:
    packages = json.loads((ROOT / "images" / image / "package-lock.json").read_text())["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert all("integrity" in package for name, package in packages.items() if name)
