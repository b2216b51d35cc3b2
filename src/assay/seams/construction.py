"""Seam: modules being built, so that a model is known before its optimizer is; for tricks."""

from __future__ import annotations

import weakref
from typing import Any

import torch

from .hub import Hub
from .patch import Patches


class Construction:
    """Remembers every module that is built, weakly."""

    def __init__(self) -> None:
        self._patches = Patches()
        self._made: weakref.WeakSet[torch.nn.Module] = weakref.WeakSet()

    def start(self) -> None:
        """Begins to remember; modules built before are not known."""
        if not self._patches:
            self._patches.wrap(torch.nn.Module, "__init__", self._watch)

    def stop(self) -> None:
        """Forgets everything."""
        self._patches.undo()
        self._made.clear()

    def modules(self) -> list[torch.nn.Module]:
        """All that were built, and what is inside them: a copy of a module was never built."""
        seen: dict[int, torch.nn.Module] = {}
        for module in list(self._made):
            if id(module) not in seen and hasattr(module, "_modules"):
                seen.update((id(part), part) for part in module.modules())
        return list(seen.values())

    def roots(self, parameters: list[Any]) -> list[torch.nn.Module]:
        """The outermost modules that own at least one of these parameters, in no special order."""
        wanted = {id(p) for p in parameters}
        owners = [
            module
            for module in list(self._made)
            if any(id(p) in wanted for p in getattr(module, "_parameters", {}).values())
            or getattr(module, "_modules", None)
        ]
        inner = {
            id(child) for module in owners for child in module.modules() if child is not module
        }
        return [
            module
            for module in owners
            if id(module) not in inner and any(id(p) in wanted for p in module.parameters())
        ]

    def _watch(self, original: Any) -> Any:
        made = self._made

        def __init__(module: Any, *args: Any, **kwargs: Any) -> None:
            original(module, *args, **kwargs)
            made.add(module)

        return __init__


def install(hub: Hub, patches: Patches) -> None:
    """Makes the switch `construction`; nothing is replaced until it is turned on."""
    construction = Construction()
    hub.trick_switches["construction"] = construction
    patches.on_undo(construction.stop)
