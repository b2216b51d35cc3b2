"""Seam: Python takes all values out of a tensor, by `numpy` or `tolist`. Torch does not see that.

In place only while someone listens.
"""

from __future__ import annotations

from typing import Any

import torch

from .hub import Hub
from .on_demand import put_on_demand
from .patch import Patches


def install(hub: Hub, patches: Patches) -> None:
    """Makes the seam that the hub puts in place on demand."""

    def announce(original: Any) -> Any:
        def read(self: Any, *args: Any, **kwargs: Any) -> Any:
            hub.emit("values_read", self)
            return original(self, *args, **kwargs)

        return read

    places = [(torch.Tensor, "numpy"), (torch.Tensor, "tolist")]
    put_on_demand(hub, patches, "values_read", places, announce)
