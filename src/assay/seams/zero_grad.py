"""Seam: gradients are cleared, by an optimizer or a module. In place only while someone listens."""

from __future__ import annotations

from typing import Any

import torch

from .hub import Hub
from .on_demand import put_on_demand
from .patch import Patches
from .recording import is_recording


def install(hub: Hub, patches: Patches) -> None:
    """Makes the seam that the hub puts in place on demand."""

    def announce(original: Any) -> Any:
        def zero_grad(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            if not is_recording():
                hub.emit("zero_grad", self)
            return result

        return zero_grad

    owners = (torch.optim.Optimizer, torch.nn.Module)
    places = [(owner, "zero_grad") for owner in owners]
    put_on_demand(hub, patches, "zero_grad", places, announce)
