"""scikit-optimize's Gaussian process as a back end."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from .outside import STARTUP
from .space import Dimension, Point, Value


class ScikitOptimize:
    """Asks scikit-optimize for points.

    Args:
        space: What is searched.
    """

    def __init__(self, space: Sequence[Dimension]) -> None:
        self._space = list(space)

    def ask(self, told: Sequence[tuple[Point, float]], seed: int) -> Point:
        """Returns the next point."""
        from skopt import Optimizer

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer = Optimizer(
                [_dimension(d) for d in self._space],
                n_initial_points=STARTUP, initial_point_generator="random", random_state=seed,
            )  # fmt: skip
            if told:
                places = [[point[d.name] for d in self._space] for point, _ in told]
                optimizer.tell(places, [value for _, value in told])
            found = optimizer.ask()
        return {d.name: _value(d, v) for d, v in zip(self._space, found, strict=True)}


def _dimension(dimension: Dimension) -> Any:
    from skopt.space import Categorical, Integer, Real

    if dimension.choices:
        return Categorical(dimension.choices, name=dimension.name)
    prior = "log-uniform" if dimension.log else "uniform"
    kind = Integer if dimension.whole else Real
    return kind(dimension.low, dimension.high, prior=prior, name=dimension.name)


def _value(dimension: Dimension, found: Value) -> Value:
    if dimension.choices:
        return next(choice for choice in dimension.choices if choice == found)
    value = min(max(float(found), dimension.low), dimension.high)
    return round(value) if dimension.whole else value
