"""The method `model-stock`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from .base import Given, Method

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ModelStock(Method):
    """Goes from the base towards the mean, as far as the angle between the inputs says.

    `t * mean + (1 - t) * base` with `t = N c / (1 + (N - 1) c)`, where c is the mean cosine
    between pairs of `x_k - base` in that tensor. Jang, Yun and Han 2024, "Model Stock".
    """

    name, needs, weighted = "model-stock", "base", False

    def merge(self, given: Given) -> Tensor:
        """Returns that point."""
        import torch

        deltas, many = given.deltas(), len(given.tensors)
        mean = torch.stack(list(deltas)).mean(0) if many > 1 else deltas[0]
        norms = [float(torch.linalg.vector_norm(delta)) for delta in deltas]
        cosines = [
            float((deltas[i] * deltas[j]).sum()) / (norms[i] * norms[j])
            if norms[i] and norms[j]
            else 1.0
            for i, j in combinations(range(many), 2)
        ]
        # of noise alone the cosine may be a little below 0, and the formula would go backwards
        cosine = max(sum(cosines) / len(cosines), 0.0) if cosines else 1.0
        return given.origin + mean * (many * cosine / (1 + (many - 1) * cosine))
