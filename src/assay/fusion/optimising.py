"""Searches the few coefficients of a method by Optuna, on held-out data."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Mapping
from typing import Any

from ..launch.errors import LaunchError
from .candidates import Candidates

SPANS: Mapping[str, tuple[float, float]] = {"t": (0.0, 1.0), "scale": (0.0, 1.5),
                                            "density": (0.05, 1.0)}  # fmt: skip
"""Where each option is looked for: scales of several tasks lie between 0.3 and 1 in the papers."""


def needs_optuna() -> None:
    """Returns if Optuna is there.

    Raises:
        LaunchError: It is not.
    """
    if importlib.util.find_spec("optuna") is None:
        raise LaunchError("--optimise needs Optuna: pip install 'assay[tune]'")


def optimise(candidates: Candidates, runs: int) -> tuple[dict[str, Any], float]:
    """Returns the changes of the request that were best, and their metric.

    Searched are the options `t`, `scale` and `density` of the method, and the weights where it
    takes them and has no scale. The first point is what was asked for.

    Args:
        candidates: Merges and measures.
        runs: How many points.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    asked = candidates.asked
    method = asked.method
    options = [f.name for f in dataclasses.fields(method) if f.name in SPANS]
    weights = method.weighted and not options
    own = {name: getattr(method, name) for name in options}
    if weights:
        most = max(asked.weights)
        own |= {f"w{i}": weight / most for i, weight in enumerate(asked.weights)}

    def changes(point: Mapping[str, float]) -> dict[str, Any]:
        changed = dataclasses.replace(method, **{name: point[name] for name in options})
        found: dict[str, Any] = {"method": str(changed)}
        if weights:
            shares = [point[f"w{i}"] for i in range(len(asked.inputs))]
            # none may be all of nothing
            found["weights"] = shares if sum(shares) > 0 else [1.0] * len(shares)
        return found

    def objective(trial: optuna.Trial) -> float:
        point = {name: trial.suggest_float(name, *SPANS.get(name, (0.0, 1.0))) for name in own}
        return candidates.try_(**changes(point))

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.enqueue_trial(own)
    study.optimize(objective, n_trials=runs)
    return changes(study.best_params), float(study.best_value)
