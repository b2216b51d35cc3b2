"""The check `eval-mode-in-training` at its limits, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.model.eval_mode_in_training import EvalModeInTraining
from assay.journal.view import Evaluation, Event, RunView, Site
from assay.testing import make_run, make_training, only_finding

NAN = math.nan


LINE = Site("train.py", 31, "forward")


def switch(step: int, training: bool, *, grad: bool = True, owner: str = "Net") -> Event:
    return Event("mode_switch", step, {"owner": owner, "training": training, "grad": grad}, LINE)


def modes(values, *events: Event, evaluations=()) -> RunView:
    training = make_training(eval_share={"Net": list(values)}, evaluations=evaluations)
    return make_run(training, events=events)


FORGOTTEN = [0.0] * 10 + [1.0] * 20


EVALUATED = Event("evaluated", 10, {}, LINE)


def test_a_forgotten_train_call_is_an_error_at_the_line_of_eval() -> None:
    finding = only_finding(EvalModeInTraining(), modes(FORGOTTEN, switch(10, False), EVALUATED))
    assert finding.severity == "error"
    assert finding.where.site == LINE
    assert finding.steps == (10, 29)
    assert finding.tricks[0].name == "train-mode"


def test_from_the_first_step_on_it_is_a_warning() -> None:
    evaluated = Event("evaluated", 0, {}, LINE)
    finding = only_finding(EvalModeInTraining(), modes([1.0] * 9, switch(0, False), evaluated))
    assert finding.severity == "warning"


def test_an_evaluation_is_known_by_its_loss_or_by_gradients_off() -> None:
    held_out = Evaluation(10, "cross_entropy", 0.5, None, 100)
    assert only_finding(
        EvalModeInTraining(), modes(FORGOTTEN, switch(10, False), evaluations=[held_out])
    )
    assert only_finding(EvalModeInTraining(), modes(FORGOTTEN, switch(10, False, grad=False)))


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(modes(FORGOTTEN, switch(10, False)), id="on purpose: no evaluation"),
        pytest.param(modes(FORGOTTEN), id="nobody switched"),
        pytest.param(modes([0.0] * 10 + [1.0] * 2, switch(10, False), EVALUATED), id="two steps"),
        pytest.param(
            modes([0.0] * 10 + [0.5] * 20, switch(10, False), EVALUATED), id="batch norm alone"
        ),
        pytest.param(modes([1.0] * 10 + [0.0] * 9, switch(0, False), EVALUATED), id="put right"),
        pytest.param(
            modes(FORGOTTEN, switch(5, False), EVALUATED, switch(10, True)), id="switched back"
        ),
        pytest.param(modes([NAN] * 9, switch(0, False), EVALUATED), id="not a number"),
        pytest.param(modes([1.0], switch(0, False), EVALUATED), id="one sample"),
    ],
)
def test_intended_modes_are_silent(run: RunView) -> None:
    assert list(EvalModeInTraining().review(run)) == []


def test_the_switch_of_another_model_does_not_count() -> None:
    teacher = switch(10, False, owner="Teacher")
    run = modes(FORGOTTEN, switch(0, True), EVALUATED, teacher)
    assert list(EvalModeInTraining().review(run)) == []
