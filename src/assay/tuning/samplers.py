"""The samplers: how the next point is chosen, by Optuna or by another library behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .space import Dimension

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

SAMPLERS = {
    "tpe": "tree-structured Parzen estimator: looks where good points were denser than bad ones",
    "gp": "Gaussian process: for few, dear runs over numbers",
    "cmaes": "covariance matrix adaptation: for many runs over numbers alone",
    "nsga2": "a genetic algorithm",
    "qmc": "quasi-random (Sobol): fills the space evenly",
    "random": "independent points",
    "grid": "every combination of a few values of each",
    "hyperopt": "Hyperopt's own tree-structured Parzen estimator",
    "skopt": "scikit-optimize's Gaussian process",
}
"""By name, with what each is for; the first is the usual one, the last two are not Optuna's."""
OUTSIDE = ("hyperopt", "skopt")
"""Those that are not Optuna's; each is the name of its library, too."""
ONE_METRIC = ("cmaes", "hyperopt", "skopt")
"""Those that take no second metric."""


def grid_of(space: Sequence[Dimension], runs: int) -> dict[str, list[Any]]:
    """Returns the values of a grid with at most so many points, two of each range at least.

    Args:
        space: What is searched.
        runs: How many points there may be.
    """
    chosen = math.prod(len(d.choices) for d in space if d.choices)
    ranges = sum(not d.choices for d in space)
    points = int((max(runs / chosen, 1) + 1e-9) ** (1 / ranges)) if ranges else 2
    return {d.name: d.grid(max(points, 2)) for d in space}


def make_sampler(name: str, space: Sequence[Dimension], seed: int, runs: int) -> BaseSampler:
    """Makes a sampler; Optuna's own settings, but for what is said here.

    Args:
        name: One of `SAMPLERS`.
        space: What is searched.
        seed: Of the sampler's random numbers.
        runs: How many points there will be at most.
    """
    from optuna import samplers

    if name == "hyperopt":
        from .by_hyperopt import Hyperopt
        from .outside import Outside

        return Outside(Hyperopt(space), space, seed)
    if name == "skopt":
        from .by_skopt import ScikitOptimize
        from .outside import Outside

        return Outside(ScikitOptimize(space), space, seed)
    if name == "grid":
        from .grid import Grid

        return Grid(grid_of(space, runs), seed=seed)
    if name == "qmc":  # not scrambled it would begin in a corner, and the seed would do nothing
        return samplers.QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False)
    if name == "nsga2":  # 50, Optuna's own, would be random search for fewer runs
        return samplers.NSGAIISampler(seed=seed, population_size=min(max(runs // 4, 4), 50))
    if name == "cmaes":
        return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    if name == "gp":
        return samplers.GPSampler(seed=seed, warn_independent_sampling=False)
    if name == "random":
        return samplers.RandomSampler(seed=seed)
    return samplers.TPESampler(seed=seed)
