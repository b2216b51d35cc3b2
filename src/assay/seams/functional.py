"""Seam: `torch.func`, whose gradients never pass through a backward pass that can be watched."""

from __future__ import annotations

from typing import Any

import torch

from .hub import Hub
from .patch import Patches

NAMES = ("grad", "grad_and_value", "vjp", "jacrev")


def install(hub: Hub, patches: Patches) -> None:
    """Announces that a gradient transform was applied; what happens inside is not seen."""

    def announce(name: str) -> Any:
        def make(original: Any) -> Any:
            def transform(*args: Any, **kwargs: Any) -> Any:
                hub.emit("transform", name)
                return original(*args, **kwargs)

            return transform

        return make

    for name in NAMES:
        patches.wrap(torch.func, name, announce(name))
