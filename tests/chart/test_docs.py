"""What the documents tell people to write is what the chart and the API take."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from chart.rendering import CHART, ROOT

BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _blocks() -> Iterator[Any]:
    for name in ("gke", "admin"):
        for number, text in enumerate(BLOCK.findall((ROOT / "docs" / f"{name}.md").read_text()), start=1):
            yield pytest.param(list(yaml.safe_load_all(text)), id=f"{name}.md, block {number}")


def _schema(kind: str) -> dict[str, Any]:
    crd = yaml.safe_load((CHART / "crds" / f"{kind.lower()}s.yaml").read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert isinstance(schema, dict)
    return schema


@pytest.mark.parametrize("documents", list(_blocks()))
def test_examples_are_taken(
    helm: Callable[..., subprocess.CompletedProcess[str]], documents: list[dict[str, Any]]
) -> None:
    for document in documents:
        if document.get("apiVersion") == "carrel.dev/v1":
            assert document["spec"].keys() <= _schema(document["kind"]).keys()
        elif "apiVersion" not in document:
            values = [f"--set-json={key}={json.dumps(value)}" for key, value in document.items()]
            done = helm("template", "carrel", str(CHART), *values)
            assert done.returncode == 0, done.stderr


def test_the_catalogue_in_the_values_has_the_fields_of_the_api() -> None:
    definitions = json.loads((CHART / "values.schema.json").read_text())["$defs"]
    assert definitions["instanceType"]["properties"].keys() == _schema("InstanceType").keys()
    assert definitions["notebookImage"]["properties"].keys() == _schema("NotebookImage").keys()
