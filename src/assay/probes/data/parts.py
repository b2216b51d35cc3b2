"""What is known of an input's features or channels, over all batches that were seen."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

NAMED_AT_MOST = 16
"""Of those that never changed, and of the means."""


class Part:
    """Features, or channels, along one dimension: the range of each over all that was seen."""

    def __init__(self, dim: int, batch: Tensor) -> None:
        self.dim, self.size = dim, batch.shape[dim]
        self.low: Tensor | None = None
        self.high: Tensor | None = None
        self.between: Tensor | None = None

    def add(self, batch: Tensor) -> None:
        """Widens the ranges by a batch."""
        others = [d for d in range(batch.dim()) if d != self.dim]
        low, high = batch.amin(others), batch.amax(others)
        if self.low is None or self.high is None or self.between is None:
            new_low, new_high = low, high
            between = torch.zeros_like(low, dtype=torch.bool)
        else:
            new_low, new_high = torch.minimum(low, self.low), torch.maximum(high, self.high)
            between = self.between
            for old in (self.low, self.high):
                between = between | ((old > new_low) & (old < new_high))
        self.low, self.high, self.between = new_low, new_high, between
        if between.is_cpu and bool(between.all()):
            return
        shape = [1] * batch.dim()
        shape[self.dim] = self.size
        inside = (batch > new_low.reshape(shape)) & (batch < new_high.reshape(shape))
        self.between = between | inside.any(others)

    def facts(self) -> dict[str, Any]:
        """Returns which never changed, with the values of the first; how many took two values."""
        assert self.low is not None
        assert self.high is not None
        assert self.between is not None
        still = self.low == self.high
        at = still.nonzero().flatten()[:NAMED_AT_MOST]
        return {
            "dim": self.dim,
            "size": self.size,
            "constant": int(still.sum()),
            "which": at.tolist(),
            "values": self.low[at].tolist(),
            "two_valued": int((~self.between & ~still).sum()),
        }


class Moments:
    """Mean and deviation of each part over all that was seen, in float64 where there is one."""

    def __init__(self) -> None:
        self.count = 0
        self.sum: Any = 0.0
        self.squares: Any = 0.0

    def add(self, batch: Tensor, dim: int) -> None:
        """Adds a batch."""
        wide = torch.float32 if batch.device.type == "mps" else torch.float64
        if batch.dim() == 1:
            batch, dim = batch[:, None], 1
        others = [d for d in range(batch.dim()) if d != dim]
        values = batch.to(wide)
        self.count += batch.numel() // batch.shape[dim]
        self.sum = self.sum + values.sum(others)
        self.squares = self.squares + (values * values).sum(others)

    def facts(self, prefix: str) -> dict[str, Any]:
        """Returns mean and deviation of all numbers together, and the means of the first parts."""
        if not self.count:
            return {f"{prefix}mean": None, f"{prefix}std": None, f"{prefix}part_means": []}
        mean, squares = self.sum / self.count, self.squares / self.count
        together = float(mean.mean())
        return {
            f"{prefix}mean": together,
            f"{prefix}std": max(float(squares.mean()) - together**2, 0.0) ** 0.5,
            f"{prefix}part_means": mean[:NAMED_AT_MOST].tolist(),
        }
