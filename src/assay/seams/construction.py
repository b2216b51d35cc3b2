"""Seam: modules being built: announced while someone listens, and remembered for tricks."""

from __future__ import annotations

import weakref
from typing import Any

import torch

from .hub import Hub
from .on_demand import put_on_demand
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
        """Yields all that were built, and what is inside them: a copy was never built."""
        seen: dict[int, torch.nn.Module] = {}
        for module in list(self._made):
            if id(module) not in seen and hasattr(module, "_modules"):
                seen.update((id(part), part) for part in module.modules())
        return list(seen.values())

    def roots(self, parameters: list[Any]) -> list[torch.nn.Module]:
        """Returns the outermost modules that own at least one of these parameters, unordered."""
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

        def remember(module: Any) -> None:
            made.add(module)

        return _then(original, remember)


def _then(original: Any, act: Any) -> Any:
    """Calls the constructor, and then `act` on the module.

    A module may be built inside a compiled function: torch.compile looks at all that is closed over
    and understands only plain functions, which is why `act` is one.
    """
    is_compiling = torch.compiler.is_dynamo_compiling

    def __init__(module: Any, *args: Any, **kwargs: Any) -> None:
        original(module, *args, **kwargs)
        if not is_compiling():
            act(module)

    return __init__


def install(hub: Hub, patches: Patches) -> None:
    """Makes the switch `construction` and the event `module_built`, both off until wanted."""
    construction = Construction()
    hub.changes.switches["construction"] = construction
    patches.on_undo(construction.stop)

    def announce(module: Any) -> None:
        hub.emit("module_built", module)

    place = [(torch.nn.Module, "__init__")]
    put_on_demand(hub, patches, "module_built", place, lambda original: _then(original, announce))
