"""Acting on a module that may be imported later: numpy loads its random part on first use."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from .patch import Patches


def when_loaded(name: str, act: Callable[[Any], None], patches: Patches) -> None:
    """Acts on the module now if it is there, else right after its import."""
    module = sys.modules.get(name)
    if module is not None:
        act(module)
        return
    finder = _Finder(name, act)
    # a new list: another thread may be walking the old one
    sys.meta_path = [finder, *sys.meta_path]
    patches.on_undo(finder.leave)


class _Finder:
    """Finds nothing by itself; asks the others, and has their loader tell when it is done."""

    def __init__(self, name: str, act: Callable[[Any], None]) -> None:
        self._name, self._act = name, act

    def leave(self) -> None:
        """Steps aside; does nothing the second time."""
        sys.meta_path = [finder for finder in sys.meta_path if finder is not self]

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        finders = list(sys.meta_path)
        after = finders[finders.index(self) + 1 :] if self in finders else []
        for finder in after:
            find_spec = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find_spec and find_spec(name, path, target)
            if spec is not None:
                with contextlib.suppress(AttributeError):  # a loader that takes no attribute
                    self._hook(spec.loader)
                return spec
        return None

    def _hook(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            vars(loader).pop("exec_module", None)
            execute(module)
            self.leave()
            self._act(module)

        loader.exec_module = exec_module
