"""What a person is told about the size of a server: the one it has, those it may have, and how far a change is."""

from collections.abc import Collection
from typing import Any

from carrel_operator import quantities
from carrel_operator.api import InstanceType, Notebook, Reason, Resize, ResizeState
from carrel_operator.catalogue import Catalogue
from carrel_operator.resizing import needs_restart


def view(
    notebook: Notebook | None, chosen: str, catalogue: Catalogue, groups: Collection[str], currency: str
) -> dict[str, Any]:
    """The answer of the API; ``chosen`` is the size of the next start while there is no Notebook."""
    current = _current(notebook, catalogue)
    return {
        "instance_type": notebook.instance_type if notebook else chosen,
        "running": bool(notebook and notebook.running),
        "currency": currency,
        "sizes": [_size(each, current) for each in catalogue.instance_types_for(groups)],
        "resources": _resources(notebook),
        "resize": _resize(notebook),
    }


def _current(notebook: Notebook | None, catalogue: Catalogue) -> InstanceType | None:
    """The size that the running server has, which is not the one asked for while a change waits."""
    if notebook is None or not notebook.running:
        return None
    return catalogue.instance_types.get(notebook.status.instance_type or notebook.instance_type)


def _size(size: InstanceType, current: InstanceType | None) -> dict[str, Any]:
    why = needs_restart(current, size) if current else ""
    return {
        "name": size.name,
        "display_name": size.display_name,
        "description": size.description,
        "cpu": str(size.cpu.limit),
        "memory": quantities.memory(size.memory.limit),
        "memory_bytes": int(quantities.number(size.memory.limit)),
        "price_per_hour": None if size.price_per_hour is None else float(size.price_per_hour),
        "grow_to": size.grow_to or None,
        "live": not why,
        "why": why,
    }


def _resources(notebook: Notebook | None) -> dict[str, dict[str, str]]:
    if notebook is None:
        return {"requested": {}, "allocated": {}, "actual": {}}
    found = notebook.status.resources
    return {
        "requested": dict(found.requested),
        "allocated": dict(found.allocated),
        "actual": dict(found.actual),
    }


def _resize(notebook: Notebook | None) -> dict[str, str] | None:
    """The operator's word; before it has looked at what was just asked, that this is under way."""
    if notebook is None or not notebook.running:
        return None
    if notebook.status.observed_generation < notebook.metadata.generation:
        message = f"Size '{notebook.instance_type}' is being applied."
        return Resize(ResizeState.IN_PROGRESS, Reason.RESIZING, message).body()
    return notebook.status.resize.body() if notebook.status.resize else None
