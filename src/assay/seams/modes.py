"""Seam: `Module.train` and `Module.eval`, announced for the outermost module only."""

from __future__ import annotations

from typing import Any

import torch

from .hub import Hub
from .patch import Patches


def install(hub: Hub, patches: Patches) -> None:
    """Wraps `train`; `eval` calls it, and it calls itself for each child."""
    heard = hub.listeners["mode"]
    inside = False

    def watch(original: Any) -> Any:
        def train(self: Any, mode: bool = True) -> Any:
            nonlocal inside
            if inside or not heard or torch.compiler.is_compiling():
                return original(self, mode)
            inside = True
            try:
                result = original(self, mode)
            finally:
                inside = False
            hub.say("mode", self, mode)
            return result

        return train

    patches.wrap(torch.nn.Module, "train", watch)
