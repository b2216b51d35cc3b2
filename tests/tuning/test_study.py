"""Points are those of plain Optuna, to the last bit, and a study that was cut off goes on."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

optuna = pytest.importorskip("optuna")

from assay.launch.errors import LaunchError  # noqa: E402
from assay.tuning.facts import alone  # noqa: E402
from assay.tuning.samplers import OUTSIDE, SAMPLERS, make_sampler  # noqa: E402
from assay.tuning.space import Point, read_space  # noqa: E402
from assay.tuning.study import Study  # noqa: E402

SPACE = read_space(["lr=1e-4:1:log", "arg:--n=1:9", "arg:--drop=0.0:0.5"])
RUNS = 16


def valley(point: Point) -> float:
    lr, n, drop = (float(value) for value in point.values())
    return (math.log10(lr) + 2) ** 2 + 0.1 * (n - 4) ** 2 + drop


def by_hand(sampler: Any, runs: int = RUNS) -> Any:
    def objective(trial: Any) -> float:
        lr = trial.suggest_float("lr", 1e-4, 1, log=True)
        n = trial.suggest_int("arg:--n", 1, 9)
        return valley({"lr": lr, "n": n, "drop": trial.suggest_float("arg:--drop", 0.0, 0.5)})

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial({"lr": 0.5, "arg:--n": 8, "arg:--drop": 0.25})
    study.optimize(objective, n_trials=runs)
    return study


PLAIN: dict[str, Callable[[], Any]] = {
    "tpe": lambda: optuna.samplers.TPESampler(seed=3),
    "gp": lambda: optuna.samplers.GPSampler(seed=3),
    "cmaes": lambda: optuna.samplers.CmaEsSampler(seed=3),
    "nsga2": lambda: optuna.samplers.NSGAIISampler(seed=3, population_size=4),
    "qmc": lambda: optuna.samplers.QMCSampler(seed=3, scramble=True),
    "random": lambda: optuna.samplers.RandomSampler(seed=3),
    "grid": lambda: optuna.samplers.GridSampler(
        {"lr": [1e-4, 1.0], "arg:--n": [1, 9], "arg:--drop": [0.0, 0.5]}, seed=3
    ),
}


def points(study: Study, runs: int) -> None:
    while sum(t.state == "done" for t in study.tried()) < runs:
        number, point = study.ask()
        study.tell(number, valley(point))


def begin(folder: Path, sampler: str) -> Study:
    study = Study(folder, SPACE, sampler, 3, RUNS)
    if not study.tried():
        own = {"lr": 0.5, "arg:--n": 8, "arg:--drop": 0.25}
        study.tell(study.ask_for(own), valley(own))
    return study


def test_every_sampler_is_compared() -> None:
    assert set(PLAIN) | set(OUTSIDE) == set(SAMPLERS)


@pytest.mark.parametrize("sampler", PLAIN)
def test_points_and_optimum_are_those_of_plain_optuna(tmp_path: Path, sampler: str) -> None:
    runs = {"grid": 8, "gp": 12}.get(sampler, RUNS)
    study = begin(tmp_path, sampler)
    points(study, runs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        plain = by_hand(PLAIN[sampler](), runs)
    assert [dict(t.point) for t in study.tried()] == [t.params for t in plain.trials]
    assert [t.value for t in study.tried()] == [t.value for t in plain.trials]
    assert [t.own for t in study.tried()] == [True] + [False] * (runs - 1)


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes"])
def test_a_study_that_was_cut_off_goes_on_with_the_same_points(
    tmp_path: Path, sampler: str
) -> None:
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole = begin(tmp_path / "whole", sampler)
    points(whole, RUNS)
    first = begin(tmp_path / "cut", sampler)
    points(first, 5)
    _, running = first.ask()
    first.leave()  # as the system does for a process that is killed
    second = begin(tmp_path / "cut", sampler)
    assert [t.state for t in second.tried()] == ["done"] * 5 + ["left"]
    number, again = second.ask()
    assert again == running
    second.tell(number, valley(again))
    points(second, RUNS)
    assert [dict(t.point) for t in second.tried()] == [dict(t.point) for t in whole.tried()]


def test_a_point_without_a_number_is_pruned_with_its_reason(tmp_path: Path) -> None:
    study = begin(tmp_path, "tpe")
    number, _ = study.ask()
    study.tell(number, None, "diverged", folder="somewhere")
    tried = study.tried()[-1]
    assert (tried.state, tried.value, tried.why) == ("pruned", None, "diverged")
    assert tried.folder == "somewhere"


def test_a_pruner_gives_up_what_is_worse_than_half_of_those_before(tmp_path: Path) -> None:
    study = Study(tmp_path, SPACE, "random", 3, RUNS, "median")
    for place in range(6):
        number, _ = study.ask()
        for step in (1, 2):
            study.report(number, step, place + 10.0)
        study.tell(number, place + 10.0)
    for value, expected in ((11.0, False), (13.0, True), (math.inf, True)):
        number, _ = study.ask()
        study.report(number, 1, value)
        assert study.gives_up(number) is expected
        study.tell(number, None, "given up")


def test_nobody_else_works_on_a_study(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(LaunchError, match="at work"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


def test_samplers_have_seeds() -> None:
    drawn = []
    for seed in (1, 1, 2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study = optuna.create_study(sampler=make_sampler("qmc", SPACE, seed, 8))
        for _ in range(3):
            trial = study.ask({d.name: d.distribution() for d in SPACE})
            study.tell(trial, 0.0)
        drawn.append(trial.params)
    assert drawn[0] == drawn[1] != drawn[2]
