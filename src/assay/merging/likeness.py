"""How far apart checkpoints are, tensor by tensor and over all weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch


class Likeness:
    """Distances and cosines between all pairs, from sums of products."""

    def __init__(self, many: int) -> None:
        self._many = many
        self._total = [[0.0] * many for _ in range(many)]
        self.rows: list[dict[str, Any]] = []

    def add(self, name: str, tensors: Sequence[torch.Tensor]) -> None:
        """Takes one tensor of each checkpoint."""
        flat = [tensor.reshape(-1) for tensor in tensors]
        products = [[0.0] * self._many for _ in range(self._many)]
        for i, one in enumerate(flat):
            for j in range(i + 1):
                products[i][j] = products[j][i] = float((one * flat[j]).sum())
        if tensors[0].dim() > 1:  # scales and offsets of a norm are alike however it was trained
            for i, row in enumerate(products):
                for j, value in enumerate(row):
                    self._total[i][j] += value
        self.rows.append({
            "name": name, "shape": list(tensors[0].shape),
            "cosine": cosine(products), "apart": apart(products),
        })  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Returns the rows, and the same over all matrices: None where it is not defined."""
        return {
            "rows": self.rows,
            "cosine": cosine(self._total),
            "apart": apart(self._total),
            "cosines": [
                [_cosine(self._total, i, j) for j in range(self._many)] for i in range(self._many)
            ],
        }


def cosine(products: Sequence[Sequence[float]]) -> float | None:
    """Returns the mean cosine of pairs; None where one is 0 or not finite."""
    found = [_cosine(products, i, j) for i in range(len(products)) for j in range(i)]
    return None if not found or None in found else sum(found) / len(found)  # type: ignore[arg-type]


def apart(products: Sequence[Sequence[float]]) -> float | None:
    """Returns the mean distance of pairs over the mean length; None where it is not defined."""
    many = len(products)
    pairs = [
        math.sqrt(max(products[i][i] + products[j][j] - 2 * products[i][j], 0.0))
        for i in range(many)
        for j in range(i)
    ]
    length = sum(math.sqrt(max(products[i][i], 0.0)) for i in range(many)) / many
    if not pairs or not length or not math.isfinite(length):
        return None
    return sum(pairs) / len(pairs) / length


def _cosine(products: Sequence[Sequence[float]], i: int, j: int) -> float | None:
    lengths = products[i][i] * products[j][j]
    if not lengths > 0 or not math.isfinite(products[i][j]):
        return None
    return max(-1.0, min(1.0, products[i][j] / math.sqrt(lengths)))
