"""Seam: `Module.train` and `Module.eval`, announced for the outermost module only."""

from __future__ import annotations

from typing import Any

import torch

from .hub import Hub
from .patch import Patches
from .recording import is_recording


def install(hub: Hub, patches: Patches) -> None:
    """Wraps `train`; `eval` calls it, and it calls itself for each child."""
    heard = hub.listeners["mode"]
    inside = False

    def announce(original: Any) -> Any:
        def train(self: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal inside
            if inside or not heard or is_recording():
                return original(self, *args, **kwargs)
            inside = True
            try:
                result = original(self, *args, **kwargs)
            finally:
                inside = False
            hub.emit("mode", self, args[0] if args else kwargs.get("mode", True))
            return result

        return train

    patches.wrap(torch.nn.Module, "train", announce)
