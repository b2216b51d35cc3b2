"""The method `linear`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import Given, Method, number

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Linear(Method):
    """A point on the straight line between two: `(1 - t) * a + t * b`.

    The loss along that line is the barrier curve (Frankle et al. 2020, "Linear Mode Connectivity
    and the Lottery Ticket Hypothesis"), drawn where `--evaluate` can measure it.
    """

    name, inputs, weighted, by_entry = "linear", 2, False, True
    t: float = number(0.5, 0, 1)

    def merge(self, given: Given) -> Tensor:
        """Returns the point."""
        first, second = given.tensors
        return first * (1 - self.t) + second * self.t
