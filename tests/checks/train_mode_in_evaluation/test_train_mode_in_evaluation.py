"""Unit tests of `train-mode-in-evaluation`, on invented runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.model.train_mode_in_evaluation import TrainModeInEvaluation
from assay.journal.view import Evaluation, Event, Module, RunView
from assay.testing import make_run, make_training

CHECK = TrainModeInEvaluation()
LINE, DROPOUT = ["train.py", 31, "validate"], ["net.py", 7, "forward"]
HEAD = Event("loss_head", 0, {"place": "cross_entropy (train.py:20)", "parameter": "last.weight"})
ROOT = Event("model", 0, {"root": "Net", "cls": "Net"})


def called(**more: Any) -> Event:
    data = {"module": "Net", "prefix": "", "line": LINE, "training": True, "grad": False,
            "active": ["drop"], "dropouts": [], **more}  # fmt: skip
    return Event("evaluation_pass", 0, data)


def run(
    share: Sequence[float] | Mapping[int, float],
    *events: Event,
    again: Mapping[int, float] | None = None,
    losses: Sequence[int] = (),
) -> RunView:
    training = make_training(
        eval_training_share={"Net": share},
        eval_same_input={"Net": again or {}},
        evaluations=[Evaluation(step, "cross_entropy", 1.0, None, 9) for step in losses],
    )
    return make_run(training, events=events, modules=[Module("drop", "Dropout")])


def found(view: RunView) -> Finding:
    (finding,) = CHECK.review(view)
    return finding


def test_a_measured_evaluation_in_training_mode() -> None:
    finding = found(run([1.0] * 3, called(), losses=range(3)))
    assert finding.where.site is not None
    assert finding.where.site.line == 31
    assert "Dropout drop worked as in training, in 3 of 3" in finding.summary


def test_without_a_loss_the_model_must_be_the_one_that_the_loss_judges() -> None:
    spread = {10: 1.0, 20: 1.0, 30: 1.0, 40: 1.0}
    assert found(run(spread, called(), HEAD, ROOT))
    assert not list(CHECK.review(run(spread, called(), ROOT)))
    other = Event("model", 0, {"root": "Judge", "cls": "Judge"})
    judge = Event("loss_head", 0, {"place": "bce", "parameter": "Judge.last.weight"})
    assert not list(CHECK.review(run(spread, called(), judge, ROOT, other)))


def test_at_every_step_without_a_loss_it_is_part_of_training() -> None:
    assert not list(CHECK.review(run([1.0] * 4, called(), HEAD)))
    assert found(run([1.0] * 3, called(), HEAD))


def test_dropout_by_function_is_named_by_its_own_line() -> None:
    finding = found(run([0.5], called(training=False, active=[], dropouts=[DROPOUT])))
    assert finding.where.site is not None
    assert finding.where.site.file == "net.py"


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(run([]), id="no evaluation"),
        pytest.param(run([math.nan], called()), id="not a number"),
        pytest.param(run([0.0] * 4, called()), id="evaluation mode"),
        pytest.param(run([1.0], called(), losses=[0], again={0: 9.0}), id="Monte Carlo dropout"),
        pytest.param(run([0.5], called(training=False), losses=[0]), id="modules on purpose"),
        pytest.param(run([1.0, 0.0, 0.0, 0.0], called(), losses=range(4)), id="put right"),
        pytest.param(run([1.0, 0.0], called(), HEAD), id="averages measured anew"),
        pytest.param(run([1.0], losses=[0]), id="no line"),
    ],
)
def test_right_practice_is_silent(view: RunView) -> None:
    assert list(CHECK.review(view)) == []
