"""Seam: constant initialisation by `torch.nn.init`."""

from __future__ import annotations

from typing import Any

from torch.nn import init

from .hub import Hub
from .patch import Patches

NAMES = ("constant_", "zeros_", "ones_")


def install(hub: Hub, patches: Patches) -> None:
    """Wraps the three functions that give every element of a tensor the same value."""
    heard = hub.listeners["constant_init"]

    def announce(name: str) -> Any:
        def make(original: Any) -> Any:
            def constant(tensor: Any, *args: Any, **kwargs: Any) -> Any:
                result = original(tensor, *args, **kwargs)
                if heard:
                    hub.emit("constant_init", name.rstrip("_"), tensor)
                return result

            return constant

        return make

    for name in NAMES:
        patches.wrap(init, name, announce(name))
