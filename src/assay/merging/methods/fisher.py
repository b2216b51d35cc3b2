"""The method `fisher`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import Given, Method, number

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Fisher(Method):
    """A mean per entry, weighted by how much the entry matters to each input.

    `sum(w_k F_k x_k) / sum(w_k F_k)`, where F is the diagonal of the Fisher information, a file of
    tensors of the same names for each input (`--fisher a,b`). No entry of F counts as less than
    `least`, as in the authors' code, so that where none matters it is the plain mean. Matena and
    Raffel 2022, "Merging Models with Fisher-Weighted Averaging".
    """

    name, needs, by_entry = "fisher", "fisher", True
    least: float = number(1e-6, 1e-30, 1)

    def merge(self, given: Given) -> Tensor:
        """Returns the mean."""
        import torch

        total, sums = torch.zeros_like(given.tensors[0]), torch.zeros_like(given.tensors[0])
        for tensor, fisher, weight in zip(given.tensors, given.fishers, given.weights, strict=True):
            importance = fisher.clamp(min=self.least)
            total.addcmul_(tensor, importance, value=weight)
            sums.add_(importance, alpha=weight)
        return total / sums
