"""The method `pruned`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import Given, Method, number
from .ties import trimmed

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Pruned(Method):
    """The mean of each entry over those inputs in which it is among the largest.

    Of each tensor the `density` largest entries by magnitude stay. An entry is the (weighted) mean
    over the inputs that kept it, and 0 where none did: divided by their number per entry, since by
    the number of all inputs every entry that one of them lacks would shrink.
    """

    name = "pruned"
    density: float = number(0.5, 0, 1)

    def merge(self, given: Given) -> Tensor:
        """Returns the mean."""
        import torch

        total, counts = torch.zeros_like(given.tensors[0]), torch.zeros_like(given.tensors[0])
        for tensor, weight in zip(given.tensors, given.weights, strict=True):
            kept = trimmed(tensor, self.density)
            total.add_(kept, alpha=weight)
            counts.add_(kept != 0, alpha=weight)
        return torch.where(counts > 0, total / counts, torch.zeros_like(total))
