"""How far apart checkpoints are, tensor by tensor and over all weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch

Pairs = list[list[float]]
"""A number for each pair of checkpoints."""


class Likeness:
    """Distances and cosines between all pairs."""

    def __init__(self, many: int) -> None:
        self._many = many
        # name, shape, inner products, squared distances
        self._tensors: list[tuple[str, list[int], Pairs, Pairs]] = []

    def add(self, name: str, shape: Sequence[int], tensors: Sequence[torch.Tensor]) -> None:
        """Takes one tensor of each checkpoint, or a piece of it, all of one tensor in turn."""
        if not self._tensors or self._tensors[-1][0] != name:
            self._tensors.append((name, list(shape), self._zeros(), self._zeros()))
        _, _, products, gaps = self._tensors[-1]
        flat = [tensor.reshape(-1) for tensor in tensors]
        for i, one in enumerate(flat):
            for j in range(i + 1):
                products[i][j] += float(torch.dot(one, flat[j]))
                products[j][i] = products[i][j]
                # not from the products: of two that are nearly one nothing would be left
                gaps[i][j] += float(torch.dist(one, flat[j])) ** 2 if i != j else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Returns the same tensor by tensor and over all matrices: None where not defined."""
        # scales and offsets of a norm are alike however it was trained
        matrices = [(p, g) for _, shape, p, g in self._tensors if len(shape) > 1]
        products, gaps = self._sum(p for p, _ in matrices), self._sum(g for _, g in matrices)
        return {
            "rows": [
                {"name": name, "shape": shape, "cosine": cosine(p), "apart": apart(p, g)}
                for name, shape, p, g in self._tensors
            ],
            "cosine": cosine(products),
            "apart": apart(products, gaps),
        }

    def _zeros(self) -> Pairs:
        return [[0.0] * self._many for _ in range(self._many)]

    def _sum(self, each: Iterable[Pairs]) -> Pairs:
        total = self._zeros()
        for pairs in each:
            for i, row in enumerate(pairs):
                for j, value in enumerate(row):
                    total[i][j] += value
        return total


def cosine(products: Pairs) -> float | None:
    """Returns the mean cosine of pairs; None where one is 0 or not finite."""
    found = []
    for i in range(len(products)):
        for j in range(i):
            lengths = products[i][i] * products[j][j]
            if not lengths > 0 or not math.isfinite(products[i][j]):
                return None
            found.append(max(-1.0, min(1.0, products[i][j] / math.sqrt(lengths))))
    return sum(found) / len(found) if found else None


def apart(products: Pairs, gaps: Pairs) -> float | None:
    """Returns the mean distance of pairs over the mean length; None where it is not defined."""
    many = len(products)
    pairs = [math.sqrt(gaps[i][j]) for i in range(many) for j in range(i)]
    length = sum(math.sqrt(max(products[i][i], 0.0)) for i in range(many)) / many
    if not pairs or not length or not math.isfinite(length):
        return None
    return sum(pairs) / len(pairs) / length
