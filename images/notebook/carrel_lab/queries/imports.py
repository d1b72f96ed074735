"""Something is done to a module once a person imports it, and nothing is imported before."""

import contextlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Change = Callable[[Any], None]


def after_import(name: str, change: Change) -> None:
    """Have the module changed as soon as it is there; what goes wrong in that reaches nobody."""
    if module := sys.modules.get(name):
        change(module)
    else:
        sys.meta_path.insert(0, _Finder(name, change))


class _Finder(MetaPathFinder):
    """Lets the import system load the module as ever, and changes it then."""

    def __init__(self, name: str, change: Change) -> None:
        self._name, self._change = name, change

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Only for that module, and only once."""
        del path, target
        if fullname != self._name:
            return None
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec and spec.loader:
            spec.loader = _Changing(spec.loader, self._change)
        return spec


class _Changing(Loader):
    def __init__(self, loader: Loader, change: Change) -> None:
        self._loader, self._change = loader, change

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As it would be."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """As it would be, and then changed."""
        if module.__spec__:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        with contextlib.suppress(Exception):
            self._change(module)
