"""The trend of a noisy series, judged against its own noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from ..journal.series import Series

MAD_TO_SD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Where a series begins and ends, and whether it still falls.

    `begin` and `end` are means over the first tenth and the last quarter. `fall` is what a straight
    line through the second half says the series lost over that half (negative where it rose),
    `fall_error` its standard error, widened for neighbours that move together.
    """

    begin: float
    end: float
    fall: float
    fall_error: float
    noise: float
    samples: int

    def falls(self, errors: float = 2.0) -> bool:
        """Whether the second half falls by more than so many standard errors."""
        return self.fall > errors * self.fall_error


def noise(values: list[float]) -> float:
    """Returns the deviation from one value to the next, trend apart; robust against few spikes."""
    if len(values) < 3:
        return 0.0
    steps = [b - a for a, b in pairwise(values)]
    middle = median(steps)
    return MAD_TO_SD * median(abs(step - middle) for step in steps) / math.sqrt(2)


def line(values: list[float]) -> tuple[float, float]:
    """Returns the slope of the least-squares line and its standard error, per sample.

    The error is multiplied by sqrt((1 + r) / (1 - r)) for residuals whose neighbours correlate by r
    > 0.
    """
    n = len(values)
    if n < 3:
        return 0.0, math.inf
    centre, mean = (n - 1) / 2, fmean(values)
    spread = n * (n * n - 1) / 12
    slope = sum((i - centre) * (v - mean) for i, v in enumerate(values)) / spread
    rest = [v - mean - slope * (i - centre) for i, v in enumerate(values)]
    total = sum(r * r for r in rest)
    error = math.sqrt(total / (n - 2) / spread)
    if total > 0:
        shared = sum(a * b for a, b in pairwise(rest)) / total
        shared = min(max(shared, 0.0), 0.95)
        error *= math.sqrt((1 + shared) / (1 - shared))
    return slope, error


def trend(series: Series) -> Trend | None:
    """Returns the trend over a series' finite samples; None for fewer than 12 of them."""
    values = [value for value in series.values if math.isfinite(value)]
    n = len(values)
    if n < 12:
        return None
    half = values[n // 2 :]
    slope, error = line(half)
    return Trend(
        begin=fmean(values[: max(n // 10, 1)]),
        end=fmean(values[-(n // 4) :]),
        fall=-slope * len(half),
        fall_error=error * len(half),
        noise=noise(values),
        samples=n,
    )
