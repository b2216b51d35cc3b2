"""Seam: dropout by function, and through it every `nn.Dropout`. In place while someone listens."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F

from .hub import Hub
from .on_demand import put_on_demand
from .patch import Patches
from .recording import is_recording

NAMES = ("dropout", "dropout1d", "dropout2d", "dropout3d")
ATTENTION = "scaled_dot_product_attention"
"""Has a rate of dropout and no `training`: who gives it one means it."""


def install(hub: Hub, patches: Patches) -> None:
    """Makes the seam that the hub puts in place on demand."""

    def announce(original: Any) -> Any:
        name = original.__name__

        def dropout(*args: Any, **kwargs: Any) -> Any:
            if not is_recording():
                if name == ATTENTION:
                    rate = args[4] if len(args) > 4 else kwargs.get("dropout_p", 0.0)
                    hub.emit("dropout", name, rate, True, False)
                else:
                    rate = args[1] if len(args) > 1 else kwargs.get("p", 0.5)
                    told = len(args) > 2 or "training" in kwargs
                    on = args[2] if len(args) > 2 else kwargs.get("training", True)
                    hub.emit("dropout", name, rate, on, told)
            return original(*args, **kwargs)

        return dropout

    places = [(F, name) for name in (*NAMES, ATTENTION) if hasattr(F, name)]
    put_on_demand(hub, patches, "dropout", places, announce)
