"""The method `ties`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import Given, Method, number

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

    name, needs = "ties", "base"
    density: float = number(0.2, 0, 1)
    scale: float = number(1.0, -10, 10)

    def merge(self, given: Given) -> Tensor:
        """Returns the base with what is left."""
        kept = [trimmed(delta, self.density) for delta in given.deltas()]
        return given.origin + self.scale * elected(kept, given.weights)


def trimmed(delta: Tensor, density: float) -> Tensor:
    """Returns a tensor with all but its largest entries by magnitude at 0.

    Args:
        delta: Any shape.
        density: The share of entries that stay, 0 to 1; the number of them is rounded down.
    """
    import torch

    many = int(density * delta.numel())
    if many >= delta.numel():
        return delta
    flat = torch.zeros_like(delta).reshape(-1)
    if many:
        own = delta.reshape(-1)
        places = torch.topk(own.abs(), many, sorted=False).indices
        flat[places] = own[places]
    return flat.reshape(delta.shape)


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
