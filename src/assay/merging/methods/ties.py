"""The method `ties`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import Given, Method, number
from .trimming import Trim

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Ties(Method):
    """Trims what each input has learned, elects a sign per entry, averages those that agree.

    1. of each tensor of `x_k - base` the `density` largest by magnitude stay, the rest becomes 0;
    2. the sign of an entry is that of the (weighted) sum over all inputs;
    3. an entry is the (weighted) mean of the inputs that have that sign there, others left out.

    The result is `base + scale * that`. Yadav et al. 2023, "TIES-Merging", algorithm 1, which
    trims over all tensors at once; here each tensor is trimmed by itself, as mergekit does.
    """

    name, needs, by_entry = "ties", "base", True
    density: float = number(0.2, 0, 1)
    scale: float = number(1.0, -10, 10)

    def trim(self, many: int, entries: int, *, wide: bool) -> Trim:
        """Returns what finds the largest entries of each task vector."""
        return Trim(many, int(self.density * entries), wide=wide)

    def looked_at(self, given: Given) -> Sequence[Tensor]:
        """Returns the task vectors."""
        return given.deltas()

    def merge(self, given: Given) -> Tensor:
        """Returns the base with what is left."""
        trim = self._trim(given)
        kept = [trim.kept(i, delta) for i, delta in enumerate(given.deltas())]
        return given.origin + self.scale * elected(kept, given.weights)


def elected(deltas: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Returns the mean per entry of those that have the sign of the sum; 0 where none has."""
    import torch

    total = torch.zeros_like(deltas[0])
    for delta, weight in zip(deltas, weights, strict=True):
        total.add_(delta, alpha=weight)
    sign = total.sign_()
    mean, count = torch.zeros_like(sign), torch.zeros_like(sign)
    for delta, weight in zip(deltas, weights, strict=True):
        agrees = (delta * sign) > 0
        mean.add_(delta * agrees, alpha=weight)
        count.add_(agrees, alpha=weight)
    return torch.where(count > 0, mean / count, torch.zeros_like(mean))
