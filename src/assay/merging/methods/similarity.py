"""The method `similarity`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import Given, Method, choice

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Similarity(Method):
    """A mean of each tensor in which inputs that agree with the others weigh more.

    By `cosine` an input weighs as much as its mean cosine with the others, none if that is
    negative; by `euclidean` as much as one over its mean distance from them. Where all weigh
    nothing, or all are the same, it is the plain mean. `--weights` multiply these. A rule of
    thumb, without a paper: it discounts the one that is unlike the rest.
    """

    name = "similarity"
    by: str = choice("cosine", "euclidean")

    def merge(self, given: Given) -> Tensor:
        """Returns the mean."""
        import torch

        many = len(given.tensors)
        own = [
            sum(self._near(one, other) for j, other in enumerate(given.tensors) if i != j)
            / max(many - 1, 1)
            for i, one in enumerate(given.tensors)
        ]
        if self.by == "cosine":
            agree = [max(value, 0.0) for value in own]
        elif min(own) > 0:
            agree = [1 / value for value in own]
        else:
            agree = [1.0] * many
        shares = [a * w for a, w in zip(agree, given.weights, strict=True)]
        if not sum(shares) > 0:
            shares = list(given.weights)
        total = torch.zeros_like(given.tensors[0])
        for tensor, share in zip(given.tensors, shares, strict=True):
            total.add_(tensor, alpha=share / sum(shares))
        return total

    def _near(self, one: Tensor, other: Tensor) -> float:
        import torch

        norm = torch.linalg.vector_norm
        if self.by == "euclidean":
            return float(norm(one - other))
        lengths = norm(one) * norm(other)
        return float((one * other).sum() / lengths) if lengths else 0.0
