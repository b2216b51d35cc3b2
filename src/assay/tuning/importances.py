"""How much of what changed the metric each dimension has changed, and how sure that is."""

from __future__ import annotations

import importlib.util
import math
import random
import warnings
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from .space import Dimension

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna.importance import BaseImportanceEvaluator

    from .study import Tried

FITS, TREES = 8, 32
LEAST = 8
"""Points below which nothing is said: half of them would be missing from a draw of few."""


@dataclass(frozen=True, slots=True)
class Importances:
    """Shares of the variance of the metric, which add up to 1 in each fit.

    Attributes:
        method: How they were found.
        points: From how many points.
        shares: By dimension (mean, lowest, highest) of the fits, the largest mean first.
    """

    method: str
    points: int
    shares: dict[str, tuple[float, float, float]]


def importances(space: Sequence[Dimension], tried: Sequence[Tried]) -> Importances | None:
    """Returns importances; None where there are too few points, or one dimension alone.

    Each fit is on as many points, drawn anew with replacement: what two such draws disagree on is
    not known. fANOVA (Hutter et al. 2014) where scikit-learn is there, else PED-ANOVA (Watanabe et
    al. 2023); both are Optuna's.

    Args:
        space: What was searched.
        tried: The points.
    """
    done = [t for t in tried if t.value is not None and math.isfinite(t.value)]
    if len(space) < 2 or len(done) < LEAST or len({t.value for t in done}) < 2:
        return None
    chance = random.Random(0)
    found: dict[str, list[float]] = {dimension.name: [] for dimension in space}
    for fit in range(FITS):
        drawn = [chance.choice(done) for _ in done]
        for name, share in _fit(space, drawn, fit).items():
            if math.isfinite(share):
                found[name].append(float(share))
    known = {name: shares for name, shares in found.items() if shares}
    if not known:
        return None
    shares = {name: (fmean(s), min(s), max(s)) for name, s in known.items()}
    ordered = dict(sorted(shares.items(), key=lambda one: -one[1][0]))
    return Importances("fANOVA" if _forests() else "PED-ANOVA", len(done), ordered)


def _forests() -> bool:
    return importlib.util.find_spec("sklearn") is not None


def _fit(space: Sequence[Dimension], drawn: Sequence[Tried], seed: int) -> dict[str, float]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    distributions = {d.name: d.distribution() for d in space}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study()
        study.add_trials(
            [
                optuna.trial.create_trial(
                    params=dict(t.point), distributions=distributions, value=t.value
                )
                for t in drawn
            ]
        )
        evaluator: BaseImportanceEvaluator = optuna.importance.PedAnovaImportanceEvaluator()
        if _forests():
            evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=TREES, seed=seed)
        try:
            return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))
        except (ValueError, RuntimeError, ZeroDivisionError):  # a draw of equal points
            return {}
