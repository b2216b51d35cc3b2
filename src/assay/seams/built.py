"""Seam: an optimizer is complete, its own constructor included. Switched on by tricks."""

from __future__ import annotations

from typing import Any

import torch

from .hub import Hub
from .patch import Patches


class Built:
    """Announces an optimizer when its outermost constructor has returned.

    The constructor of the base class returns earlier: what a subclass does after it would undo what
    a trick did in between.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._patches = Patches()
        self._under_way: set[int] = set()
        self._users = 0

    def start(self) -> None:
        """Watches every class of optimizer, those to come included."""
        self._users += 1
        if self._users > 1:
            return
        base: Any = torch.optim.Optimizer
        self._watch(base)

        def __init_subclass__(cls: Any, /, **kwargs: Any) -> None:
            super(base, cls).__init_subclass__(**kwargs)
            self._watch(cls)

        base.__init_subclass__ = classmethod(__init_subclass__)
        self._patches.on_undo(lambda: delattr(base, "__init_subclass__"))

    def stop(self) -> None:
        """Stops with its last user."""
        self._users = max(0, self._users - 1)
        if self._users == 0:
            self._patches.undo()

    def _watch(self, kind: Any) -> None:
        if "__init__" in vars(kind):
            self._patches.wrap(kind, "__init__", self._constructor)
        for below in kind.__subclasses__():
            self._watch(below)

    def _constructor(self, original: Any) -> Any:
        under_way = self._under_way

        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            if id(optimizer) in under_way:
                original(optimizer, *args, **kwargs)
                return
            under_way.add(id(optimizer))
            try:
                original(optimizer, *args, **kwargs)
            finally:
                under_way.discard(id(optimizer))
            self._hub.emit("optimizer_built", optimizer)

        return __init__


def install(hub: Hub, patches: Patches) -> None:
    """Makes the switch `built`; nothing is replaced until it is turned on."""
    built = Built(hub)
    hub.changes.switches["built"] = built
    patches.on_undo(built.stop)
