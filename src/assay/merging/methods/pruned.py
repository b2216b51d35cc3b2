"""The method `pruned`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import Given, Method, number
from .trimming import Trim

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Pruned(Method):
    """The mean of each entry over those inputs in which it is among the largest.

    Of each tensor the `density` largest entries by magnitude stay. An entry is the (weighted) mean
    over the inputs that kept it, and 0 where none did: divided by their number per entry, since by
    the number of all inputs every entry that one of them lacks would shrink.
    """

    name, by_entry = "pruned", True
    density: float = number(0.5, 0, 1)

    def trim(self, many: int, entries: int, *, wide: bool) -> Trim:
        """Returns what finds the largest entries of each input."""
        return Trim(many, int(self.density * entries), wide=wide)

    def merge(self, given: Given) -> Tensor:
        """Returns the mean."""
        import torch

        total, counts = torch.zeros_like(given.tensors[0]), torch.zeros_like(given.tensors[0])
        trim = self._trim(given)
        for i, weight in enumerate(given.weights):
            kept = trim.kept(i, given.tensors[i])
            total.add_(kept, alpha=weight)
            counts.add_(kept != 0, alpha=weight)
        return torch.where(counts > 0, total / counts, torch.zeros_like(total))
