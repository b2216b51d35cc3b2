"""Seam: gradients are cleared, by an optimizer or a module. In place only while someone listens."""

from __future__ import annotations

from typing import Any

import torch

from .hub import Hub
from .patch import Patches
from .recording import is_recording


class ZeroGrads:
    """Announces `zero_grad`, which every step calls and which is of interest only in samples."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._patches = Patches()

    def start(self) -> None:
        """Puts the seam in place."""
        for owner in (torch.optim.Optimizer, torch.nn.Module):
            self._patches.wrap(owner, "zero_grad", self._watch)

    def stop(self) -> None:
        """Takes it away."""
        self._patches.undo()

    def _watch(self, original: Any) -> Any:
        hub = self._hub

        def zero_grad(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            if not is_recording():
                hub.say("zero_grad", self)
            return result

        return zero_grad


def install(hub: Hub, patches: Patches) -> None:
    """Makes the seam that the hub puts in place on demand."""
    seam = hub.on_demand["zero_grad"] = ZeroGrads(hub)
    if hub.listeners["zero_grad"]:
        seam.start()
    patches.on_undo(seam.stop)
