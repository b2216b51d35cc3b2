"""The method `dare`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import Given, Method, choice, number
from .ties import elected

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Dare(Method):
    """Drops entries of what each input has learned at random, and rescales the rest.

    Each entry of `x_k - base` stays with probability `density`, divided by it, which keeps the
    expectation. Then they are added (`then=sum`) or elected as in `ties` (`then=ties`), times
    `scale`. Yu et al. 2024, "Language Models are Super Mario". The same seed drops the same
    entries, whatever the order of the tensors.
    """

    name, needs = "dare", "base"
    density: float = number(0.5, 1e-6, 1)
    scale: float = number(1.0, -10, 10)
    seed: int = number(0, 0, 2**31)
    then: str = choice("sum", "ties")

    def merge(self, given: Given) -> Tensor:
        """Returns the base with what is left."""
        kept = [self.thinned(d, given.name, i) for i, d in enumerate(given.deltas())]
        if self.then == "ties":
            return given.origin + self.scale * elected(kept, given.weights)
        total = given.origin.clone()
        for delta, weight in zip(kept, given.weights, strict=True):
            total.add_(delta, alpha=self.scale * weight)
        return total

    def thinned(self, delta: Tensor, name: str, which: int) -> Tensor:
        """Returns a tensor with some entries at 0 and the others divided by the density.

        Args:
            delta: Any shape.
            name: Of the tensor.
            which: Input it is of, from 0.
        """
        import torch

        if self.density >= 1:
            return delta
        text = f"{self.seed}/{which}/{name}".encode()
        seed = int.from_bytes(hashlib.sha256(text).digest()[:7], "big")
        chance = torch.rand(delta.shape, generator=torch.Generator().manual_seed(seed))
        return delta * (chance < self.density) / self.density
