"""Import paths that plugins of API 1 could have used, kept for one version by one finder.

`ganzoo.bench` and `ganzoo.export` are not among them: a module of that name would take the place of the function.
"""

from __future__ import annotations

import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from ganzoo.plugin import api1


class OldModule(ModuleType):
    """A module that looks its names up where they are now."""

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":  # `from ganzoo.specs import *`
            return api1.names_of(self.__name__)
        if name.startswith("__"):  # what else the import system asks for
            raise AttributeError(name)
        return api1.find(self.__name__, name)

    def __dir__(self) -> list[str]:
        return api1.names_of(self.__name__)


class OldVerb(OldModule):
    """`ganzoo.plugins` was a module and is a verb: imported under its old path, it can still be called."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        return getattr(importlib.import_module(f"ganzoo.api.{name}"), name)(*arguments, **named)


class OldPaths:
    """A finder and loader for `sys.meta_path`: of modules that have moved, and of what modules have lost."""

    @classmethod
    def install(cls) -> None:
        if not any(isinstance(finder, cls) for finder in sys.meta_path):
            sys.meta_path.insert(0, cls())

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name in api1.MOVED_MODULES:
            return importlib.machinery.ModuleSpec(name, self, origin="moved")  # type: ignore[arg-type]
        if name not in api1.MOVED_NAMES:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            _give_old_names(spec.loader, name)
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        kind = OldVerb if spec.name == "ganzoo.plugins" else OldModule
        return kind(spec.name, "Moved: see ganzoo.plugin.api1.")

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is run: names are found when they are asked for."""


def _give_old_names(loader: Any, name: str) -> None:
    """Have a module answer for names that it had; type checkers go on to see those that it has."""
    run = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        run(module)
        vars(module)["__getattr__"] = api1.old_names(name)

    loader.exec_module = exec_module
