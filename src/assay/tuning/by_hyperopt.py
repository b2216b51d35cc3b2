"""Hyperopt's TPE as a back end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from .outside import STARTUP
from .space import Dimension, Point, Value


class Hyperopt:
    """Asks Hyperopt for points.

    Args:
        space: What is searched.
    """

    def __init__(self, space: Sequence[Dimension]) -> None:
        self._space = {d.name: d for d in space}

    def ask(self, told: Sequence[tuple[Point, float]], seed: int) -> Point:
        """Returns the next point."""
        from hyperopt import JOB_STATE_DONE, STATUS_OK, Trials, rand, tpe
        from hyperopt.base import Domain

        domain = Domain(len, {name: _stochastic(d) for name, d in self._space.items()})
        trials = Trials()
        for number, (point, value) in enumerate(told):
            values = {n: [_index(self._space[n], v)] for n, v in point.items()}
            misc = {
                "tid": number, "cmd": ("domain_attachment", "FMinIter_Domain"), "workdir": None,
                "idxs": {name: [number] for name in values}, "vals": values,
            }  # fmt: skip
            result = {"status": STATUS_OK, "loss": value}
            docs = trials.new_trial_docs([number], [None], [result], [misc])
            docs[0]["state"] = JOB_STATE_DONE
            trials.insert_trial_docs(docs)
        trials.refresh()
        suggest = rand.suggest
        if len(told) >= STARTUP:
            suggest = partial(tpe.suggest, n_startup_jobs=STARTUP, verbose=False)
        found = suggest([len(told)], domain, trials, seed)[0]["misc"]["vals"]
        return {name: _value(self._space[name], chosen[0]) for name, chosen in found.items()}


def _stochastic(dimension: Dimension) -> Any:
    from hyperopt import hp

    if dimension.choices:
        return hp.choice(dimension.name, list(range(len(dimension.choices))))
    low, high = dimension.low, dimension.high
    if dimension.whole:  # half a step more at either end, or the ends would come half as often
        low, high = low - 0.5 + 1e-9, high + 0.5 - 1e-9
    if dimension.log:
        return hp.loguniform(dimension.name, math.log(low), math.log(high))
    return hp.uniform(dimension.name, low, high)


def _index(dimension: Dimension, value: Value) -> Any:
    """Returns a value as Hyperopt keeps it: of a choice its place."""
    return dimension.choices.index(value) if dimension.choices else float(value)


def _value(dimension: Dimension, found: Any) -> Value:
    if dimension.choices:
        return dimension.choices[int(found)]
    value = min(max(float(found), dimension.low), dimension.high)
    return round(value) if dimension.whole else value
