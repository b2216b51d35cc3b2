"""The method `slerp`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import Given, Method, number

if TYPE_CHECKING:
    from torch import Tensor

PARALLEL = 0.9995
"""Above this cosine the formula divides by almost 0, and the straight line is the same."""


@dataclass(frozen=True)
class Slerp(Method):
    """A point on the arc between two tensors, each one flattened.

    `sin((1 - t) w) / sin(w) * a + sin(t w) / sin(w) * b`, where w is the angle between a and b
    (Shoemake 1985); the straight line where they are nearly parallel or one is 0.
    """

    name, inputs, weighted = "slerp", 2, False
    t: float = number(0.5, 0, 1)

    def merge(self, given: Given) -> Tensor:
        """Returns the point."""
        import torch

        first, second = given.tensors
        lengths = torch.linalg.vector_norm(first) * torch.linalg.vector_norm(second)
        cosine = float((first * second).sum() / lengths) if lengths else 1.0
        if not abs(cosine) <= PARALLEL:
            return first * (1 - self.t) + second * self.t
        angle = math.acos(cosine)
        share = math.sin((1 - self.t) * angle) / math.sin(angle)
        return first * share + second * (math.sin(self.t * angle) / math.sin(angle))
