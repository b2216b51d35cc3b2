"""Whether the loss of a training moved at all, whatever it is a loss of."""

from __future__ import annotations

import math

from ..journal.view import Training
from .trend import Trend, trend

AT_LEAST = 50
"""Losses from which it is said: as many steps as the shortest run needs whose rate is judged."""
ERRORS = 2.0
"""Standard errors of the difference of two means: the usual 5 % level of a two-sided test."""


def unmoved(training: Training) -> Trend | None:
    """Returns the trend of a loss that ended where it began, within its own noise.

    Returns:
        None where it moved, where fewer than 50 losses are known, or where some are not finite.
    """
    losses = training.series("loss")
    if len(losses) < AT_LEAST or not all(map(math.isfinite, losses.values)):
        return None
    seen = trend(losses)
    if seen is None:
        return None
    # `begin` is a mean over the first tenth, `end` over the last quarter
    first, last = max(seen.samples // 10, 1), seen.samples // 4
    error = seen.noise * math.sqrt(1 / first + 1 / last)
    return seen if abs(seen.begin - seen.end) <= ERRORS * error else None
