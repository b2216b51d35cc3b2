"""The method `task-arithmetic`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import Given, Method, number

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TaskArithmetic(Method):
    """Adds what each input has learned to the base: `base + scale * sum(w_k * (x_k - base))`.

    Ilharco et al. 2023, "Editing Models with Task Arithmetic". Weights are not divided by their
    sum: a negative one forgets a task. The paper chooses the scale on held-out data, often 0.3
    to 0.5 for several tasks.
    """

    name, needs, by_entry = "task-arithmetic", "base", True
    scale: float = number(1.0, -10, 10)

    def merge(self, given: Given) -> Tensor:
        """Returns the base with all task vectors."""
        total = given.origin.clone()
        for delta, weight in zip(given.deltas(), given.weights, strict=True):
            total.add_(delta, alpha=self.scale * weight)
        return total
