"""Unit tests of `optimizer-recreated`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.optimizer_recreated import OptimizerRecreated
from assay.journal.view import Event, Parameter, RunView, Site
from assay.testing import make_run, make_training

CHECK = OptimizerRecreated()
LINE = Site("train.py", 12, "step")
ADAM = {"lr": 0.1, "betas": [0.9, 0.999]}
LOADED = {"owner": "Net", "kind": "module", "missing": [], "unexpected": []}


def run(
    count: int = 8,
    steps: int = 1,
    *,
    settings: dict[str, Any] | None = None,
    optimizer: str = "Adam",
    names: tuple[str, ...] = ("0.weight",),
    losses: tuple[float, float] = (1.0, 0.9),
    events: tuple[Event[Any], ...] = (),
) -> RunView:
    trainings = []
    for index in range(count):
        made = make_training(
            index=index,
            optimizer=optimizer,
            steps=steps,
            groups=[{**(ADAM if settings is None else settings), "parameters": names}],
            site=LINE,
            loss=list(losses),
            learning_rate={"group 0": [0.1]},
        )
        made.began = index
        trainings.append(made)
    return make_run(*trainings, parameters=[Parameter("0.weight", (2, 2))], events=events)


def found(given: RunView) -> list[Finding]:
    return list(CHECK.review(given))


def test_one_optimizer_a_step() -> None:
    (finding,) = found(run())
    assert (finding.severity, finding.where.site) == ("warning", LINE)
    assert finding.summary == (
        "8 optimizers (Adam) were built for the same parameters, each for 1 step; their moments "
        "average over 30"
    )


def test_at_the_limits() -> None:
    assert found(run(count=7)) == []
    assert found(run(steps=29))[0].severity == "warning"
    assert found(run(steps=31))[0].severity == "note"


def test_a_note_only_where_one_training_goes_on() -> None:
    assert found(run(steps=40, losses=(1.4, 1.0)))
    assert found(run(steps=40, losses=(1.6, 1.0))) == []
    other = run(steps=40)
    other.trainings[3].series("learning_rate", "group 0").append(5, 0.05)
    assert found(other) == []


@pytest.mark.parametrize(
    ("optimizer", "settings", "memory"),
    [
        ("SGD", {"lr": 0.1, "momentum": 0.0}, None),
        ("SGD", {"lr": 0.1, "momentum": 0.8}, 15),
        ("RMSprop", {"lr": 0.1, "alpha": 0.99, "momentum": 0}, 300),
        ("LBFGS", {"lr": 1.0}, None),
        ("Mine", {"lr": 0.1}, None),
    ],
)
def test_what_an_optimizer_remembers(
    optimizer: str, settings: dict[str, Any], memory: float | None
) -> None:
    findings = found(run(optimizer=optimizer, settings=settings))
    assert [round(f.evidence[0].limit or 0) for f in findings] == ([memory] if memory else [])


def test_other_parameters_each_time_or_unknown_ones_are_silent() -> None:
    assert found(run(names=("group 0 parameter 0",))) == []
    folds = run()
    for index, training in enumerate(folds.trainings):
        training.site = Site("train.py", 12 + index)
    assert found(folds) == []


def test_weights_that_are_loaded_in_between_are_silent() -> None:
    assert found(run(events=(Event("load_state", 0, LOADED, iteration=4),))) == []
    assert found(run(events=(Event("load_state", 0, LOADED, iteration=0),)))


def test_an_empty_run_is_silent() -> None:
    assert found(make_run(loss=[1.0])) == []
