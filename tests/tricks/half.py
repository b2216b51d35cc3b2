"""A loop in half precision written by hand."""

from __future__ import annotations

from typing import Any

import torch
from suite import Hand, World
from torch import nn


class InHalf(Hand):
    """One region around model and loss, and one around an evaluation."""

    def __init__(self, dtype: torch.dtype = torch.bfloat16) -> None:
        self.region = torch.autocast("cpu", dtype=dtype)

    def output(self, model: nn.Module, x: Any) -> Any:
        self.region.__enter__()
        return super().output(model, x)

    def loss(self, output: Any, y: Any) -> torch.Tensor:
        loss = super().loss(output, y)
        self.region.__exit__(None, None, None)
        return loss

    def evaluating(self, world: World) -> Any:
        self.region.__enter__()
        return lambda: self.region.__exit__(None, None, None)
