"""Samplers from outside Optuna, behind one small interface: told what is known, asked for a point.

A study keeps what is known, so a back end holds nothing: it is given all of it each time. That is
why a search by one of them is resumed and shared among workers as any other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import TrialState

from .space import Dimension, Point, Value

STARTUP = 10
"""Independent points before a model is made of them, as both libraries have it by themselves."""


class BackEnd(Protocol):
    """Chooses points by a library of its own."""

    def ask(self, told: Sequence[tuple[Point, float]], seed: int) -> Point:
        """Returns the next point.

        Args:
            told: Points with their metric, lower is better, in the order in which they ended.
            seed: Of this point's random numbers.
        """


class Outside(BaseSampler):
    """A back end as Optuna asks its samplers.

    Args:
        back_end: Chooses the points.
        space: What is searched.
        seed: Of the search; each point has one that follows from it.
    """

    def __init__(self, back_end: BackEnd, space: Sequence[Dimension], seed: int) -> None:
        self._back_end, self._seed = back_end, seed
        self._space: dict[str, BaseDistribution] = {d.name: d.distribution() for d in space}
        self._independent = RandomSampler(seed=seed)

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, BaseDistribution]:
        """Returns all dimensions."""
        return self._space

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Value]:
        """Returns a point, of all that is known."""
        if not search_space:
            return {}
        done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        sign = -1.0 if study.direction == StudyDirection.MAXIMIZE else 1.0
        told: list[tuple[Mapping[str, Value], float]] = [
            (t.params, sign * t.value)
            for t in done
            if t.value is not None and math.isfinite(t.value)
        ]
        seed = (self._seed * 1_000_003 + trial.number) % 2**31
        return dict(self._back_end.ask(told, seed))

    def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
        """Returns a random value of a dimension that is not of the space."""
        return self._independent.sample_independent(study, trial, name, distribution)

    def reseed_rng(self) -> None:
        """Does nothing: each point has a seed of its own."""
