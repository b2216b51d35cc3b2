"""How far each step moves the weights, as a share of their own length."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..journal.series import Series
from ..journal.view import Training

Ratios = Mapping[int, Mapping[str, Series]]
"""Update ratios of several trainings by their number, each by parameter."""


def update_ratios(training: Training) -> dict[str, Series]:
    """Divides `update_norm` by `weight_norm` per parameter where both were sampled (unit 1).

    A step from weights of length 0 has no ratio and is left out.
    """
    found: dict[str, Series] = {}
    for place in training.places("update_norm"):
        moved, weights = (
            training.series("update_norm", place),
            training.series("weight_norm", place),
        )
        if weights.steps == moved.steps:
            pairs = zip(moved.steps, moved.values, weights.values, strict=True)
        else:
            known = dict(weights)
            pairs = ((s, v, known.get(s, math.nan)) for s, v in moved)  # type: ignore[assignment]
        ratio = Series()
        for step, update, weight in pairs:
            if weight > 0:
                ratio.steps.append(step)
                ratio.values.append(update / weight)
        if len(ratio):
            found[place] = ratio
    return found
