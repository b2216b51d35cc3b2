"""Seam: `module.requires_grad = True`, an attribute that torch does not read."""

from __future__ import annotations

from typing import Any

from torch.nn import Module

from .hub import Hub
from .patch import Patches

NAME = "requires_grad"


class Flag:
    """Keeps the attribute where Python would, in the module itself, and tells that it was set."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def __get__(self, module: Any, owner: Any = None) -> Any:
        """Returns what was set, or raises as for any attribute that is not there."""
        if module is not None and NAME in vars(module):
            return vars(module)[NAME]
        raise AttributeError(f"type object {owner.__name__!r} has no attribute {NAME!r}")

    def __set__(self, module: Any, value: Any) -> None:
        """Sets it, and tells."""
        vars(module)[NAME] = value
        self._hub.emit("flag_set", module, value)

    def __delete__(self, module: Any) -> None:
        """Takes it away again."""
        if NAME not in vars(module):
            raise AttributeError(NAME)
        del vars(module)[NAME]


def _without_flag(original: Any) -> Any:
    """Returns `__dir__` that lists the attribute only where it is set: dynamo reads all of it."""

    def listed(self: Any) -> Any:
        return [name for name in original(self) if name != NAME or NAME in vars(self)]

    return listed


def install(hub: Hub, patches: Patches) -> None:
    """Gives the class an attribute that only hears of it; a module has it no more than before."""
    if NAME in vars(Module):
        return

    def undo() -> None:
        if isinstance(vars(Module).get(NAME), Flag):
            delattr(Module, NAME)

    type.__setattr__(Module, NAME, Flag(hub))
    patches.on_undo(undo)
    patches.wrap(Module, "__dir__", _without_flag)
