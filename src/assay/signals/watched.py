"""What a metric is that a plateau watches: a loss, or something that is to be large."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean

from ..journal.series import Series
from ..journal.view import Training
from .shares import are_shares

SAME = 0.1
"""Relative: a mean over batches stands for one over samples."""
SCALE = 2.0
"""A validation loss begins within this of the training loss; what does not is something else."""
VERY_SAME = 1e-4
"""Relative: the same number, computed once more or printed."""
EVALUATIONS = 4


@dataclass(frozen=True, slots=True)
class Watched:
    """A metric by step, beside the training loss before its first and before its last value."""

    training: Training
    metrics: Series
    loss_at_first: float
    loss_then: float

    @classmethod
    def of(cls, training: Training, metrics: Series) -> Watched:
        """Looks up the losses beside a metric of at least two values."""
        losses, steps = training.series("loss").finite(), metrics.steps
        means = []
        for step, gap in ((steps[0], steps[1] - steps[0]), (steps[-1], steps[-1] - steps[-2])):
            part = losses.between(step - max(gap, 1), step).values
            means.append(fmean(part) if part else math.nan)
        return cls(training, metrics, *means)

    def name(self) -> str | None:
        """Returns of what it has the very values: the evaluations' loss, accuracy or error."""
        names = ("loss", "accuracy", "error")
        return next((name for name in names if self._equals(name, VERY_SAME)), None)

    def is_gain(self) -> bool | None:
        """Whether it is to be large: True if that is sure, False if likely, None if it may not."""
        if self._equals("loss") or self._equals("error"):
            return None
        if self._equals("accuracy") or are_shares(self.metrics.values):
            return True
        within = min(self.metrics.values) >= 0 and max(self.metrics.values) <= 100
        return False if within and not any(self._alike()) else None

    def is_loss(self) -> bool | None:
        """Whether it is to be small, in the same words."""
        if self._equals("loss") or self._equals("error"):
            return True
        if self._equals("accuracy") or are_shares(self.metrics.values):
            return None
        return False if all(self._alike()) and self.loss_then > 0 else None

    def _alike(self) -> list[bool]:
        """Returns whether its first and its last value are of the training loss's size."""
        pairs = (self.metrics.first, self.loss_at_first), (self.metrics.last, self.loss_then)
        return [loss / SCALE <= value <= loss * SCALE for value, loss in pairs]

    def _equals(self, what: str, tolerance: float = SAME) -> bool:
        """Whether it is the loss, accuracy or error that evaluations at the same steps had."""
        known = {}
        for one in self.training.evaluations:
            value = one.loss if what == "loss" else one.accuracy
            if value is not None:
                known[one.step] = 1 - value if what == "error" else value
        pairs = [(value, known[step]) for step, value in self.metrics if step in known]
        factors = (1.0,) if what == "loss" else (1.0, 100.0)
        return len(pairs) >= EVALUATIONS and any(
            all(math.isclose(value, own * factor, rel_tol=tolerance) for value, own in pairs)
            for factor in factors
        )
