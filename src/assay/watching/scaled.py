"""What losses were before a GradScaler multiplied them."""

from __future__ import annotations

import weakref
from typing import Any

import torch

REMEMBERED = 8


def number(loss: torch.Tensor) -> float | torch.Tensor:
    """Returns its value; on an accelerator a tensor, since reading it would wait."""
    return loss.item() if loss.is_cpu else loss.detach().reshape(())


class ScaledLosses:
    """The last few losses given to `GradScaler.scale`, by what came back.

    Keeps values and no tensors: a loss that is never used must not keep its graph alive.
    """

    def __init__(self) -> None:
        self.known: list[tuple[weakref.ref[torch.Tensor], float | torch.Tensor]] = []

    def on_scaled(self, original: Any, scaled: Any) -> None:
        """Notes that a scaler multiplied a loss, or a trick divided it."""
        if isinstance(original, torch.Tensor) and original.numel() == 1:
            value = self.value(original)  # which may itself stand for another
            del self.known[: 1 - REMEMBERED]
            self.known.append((weakref.ref(scaled), value))

    def value(self, root: torch.Tensor) -> float | torch.Tensor:
        """Returns the loss that this root of a backward pass stands for."""
        for scaled, value in self.known:
            if scaled() is root:
                return value
        return number(root)
