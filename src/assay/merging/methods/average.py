"""The method `average`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import Given, Method

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Average(Method):
    """The weighted mean: `sum(w_k * x_k) / sum(w_k)`.

    With `--counts` the weights are numbers of samples, which makes it federated averaging (McMahan
    et al. 2017, algorithm 1). Wortsman et al. 2022, "Model soups".
    """

    name, by_entry = "average", True

    def merge(self, given: Given) -> Tensor:
        """Returns the mean, with the weights divided by their sum."""
        import torch

        total = torch.zeros_like(given.tensors[0])
        for tensor, share in zip(given.tensors, given.shares, strict=True):
            total.add_(tensor, alpha=share)
        return total
