"""How near the steps of a training come to what its loss surface allows."""

from __future__ import annotations

import math

from ..journal.view import Training


def first_stress(training: Training) -> tuple[float, float] | None:
    """Returns rate x sharpness and its stability limit when both were first measured."""
    limits = training.series("stability_limit").finite()
    rated = training.series("rate_times_sharpness").finite()
    return (rated.first, limits.first) if len(rated) and len(limits) else None


def peak_stress(training: Training) -> float | None:
    """Returns the largest share of the limit, had each measurement met the largest rate.

    A sharpness measured during warm-up must not make the rate after it look small.
    """
    limits = training.series("stability_limit").finite()
    rates = training.series("learning_rate", "group 0")
    peak, shares = max(rates.values, default=0.0), []
    for step, value in training.series("rate_times_sharpness").finite():
        then = rates.between(0, step + 1).last
        if limits.at(step) > 0 and then > 0:
            shares.append(value / limits.at(step) * peak / then)
    return max(shares, default=None)


def constant_rate(training: Training) -> bool:
    """Whether the rate stayed within a factor of 1.5."""
    rates = training.series("learning_rate", "group 0").values
    return max(rates, default=0.0) <= 1.5 * min(rates, default=0.0)


def worst_of_first(training: Training, steps: int) -> float:
    """Returns the lowest step quality among the first steps; inf if none was measured."""
    quality = training.series("step_quality").finite()
    return min(quality.between(0, steps).values, default=math.inf)


def raised_by_steps(training: Training, loss: float) -> bool:
    """Returns whether a step raised the loss of its own batch before the loss was so high.

    Small batches alone may differ by as much. Where fewer than a third of the steps before it
    were measured (of an opening two thirds are) it can't be told, and is taken to be so.
    """
    at = next(step for step, value in training.series("loss") if value == loss)
    before = training.series("step_quality").finite().between(0, at + 1).values
    return 3 * len(before) < at + 1 or min(before) < 0
