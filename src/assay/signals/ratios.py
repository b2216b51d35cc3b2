"""Ratios between measured norms: how far a step moves a weight, how gradients change with depth."""

from __future__ import annotations

import math
from statistics import median

from ..journal.series import Series
from ..journal.view import Parameter, RunView, Training


def ratio(above: Series, below: Series) -> Series:
    """Quotient at the steps where both were measured; where the divisor is 0, nothing."""
    divisors = dict(below)
    return Series(
        (step, value / divisors[step]) for step, value in above if divisors.get(step, 0.0) != 0.0
    )


def update_ratio(training: Training, parameter: str) -> Series:
    """Norm of a step's update over the norm of the weights that it changed (without a unit)."""
    return ratio(
        training.series("update_norm", parameter), training.series("weight_norm", parameter)
    )


def weight_matrices(run: RunView, training: Training) -> list[Parameter]:
    """Trained weights of two or more dimensions in the order of the model, embeddings left out.

    An embedding's gradient touches only the rows that a batch names, so that its norm says nothing
    about depth.
    """
    embeddings = {module.name for module in run.modules if module.kind.startswith("Embedding")}
    measured = set(training.places("grad_norm"))
    return [
        p
        for p in run.parameters
        if p.name in measured and len(p.shape) > 1 and p.module not in embeddings
    ]


def grad_rms(training: Training, parameter: Parameter) -> Series:
    """Root mean square of one parameter's gradient."""
    root = math.sqrt(parameter.elements)
    return Series(
        (step, value / root) for step, value in training.series("grad_norm", parameter.name)
    )


def typical(series: Series) -> float:
    """Median of the finite values; nan if there is none."""
    values = series.finite().values
    return median(values) if values else math.nan


def rms_by_depth(run: RunView, training: Training) -> list[tuple[Parameter, float]]:
    """Each weight matrix, first layer first, with the typical size of its gradient's elements."""
    pairs = [(p, typical(grad_rms(training, p))) for p in weight_matrices(run, training)]
    return [(p, value) for p, value in pairs if value == value]


def rising_share(values: list[float]) -> float:
    """Of all pairs of an earlier and a later value, the share that rises (0.5: no order at all)."""
    pairs = [(a, b) for i, a in enumerate(values) for b in values[i + 1 :]]
    return sum(b > a for a, b in pairs) / len(pairs) if pairs else math.nan
