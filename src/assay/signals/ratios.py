"""Ratios between measured norms: how far a step moves a weight, how gradients change with depth."""

from __future__ import annotations

import math
from statistics import median

from ..journal.series import Series
from ..journal.view import Parameter, RunView, Training


def ratio(above: Series, below: Series) -> Series:
    """Divides two series where both were measured; where the divisor is 0, gives nothing."""
    divisors = dict(below)
    return Series(
        (step, value / divisors[step]) for step, value in above if divisors.get(step, 0.0) != 0.0
    )


def update_ratio(training: Training, parameter: str) -> Series:
    """Divides the norm of a step's update by that of the weights it changed (unit 1)."""
    return ratio(
        training.series("update_norm", parameter), training.series("weight_norm", parameter)
    )


def weight_matrices(run: RunView, training: Training) -> list[Parameter]:
    """Returns trained weights of two or more dimensions in model order, embeddings left out.

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
    """Returns the root mean square of one parameter's gradient."""
    root = math.sqrt(parameter.elements)
    return Series(
        (step, value / root) for step, value in training.series("grad_norm", parameter.name)
    )


def typical(series: Series) -> float:
    """Returns the median of the finite values; nan if there is none."""
    values = series.finite().values
    return median(values) if values else math.nan


def rms_by_depth(run: RunView, training: Training) -> list[tuple[Parameter, float]]:
    """Returns each weight matrix, first layer first, with its gradient's typical element size."""
    pairs = [(p, typical(grad_rms(training, p))) for p in weight_matrices(run, training)]
    return [(p, value) for p, value in pairs if value == value]


def rising_share(values: list[float]) -> float:
    """Returns the share of pairs of an earlier and a later value that rise (0.5: no order)."""
    pairs = [(a, b) for i, a in enumerate(values) for b in values[i + 1 :]]
    return sum(b > a for a, b in pairs) / len(pairs) if pairs else math.nan
