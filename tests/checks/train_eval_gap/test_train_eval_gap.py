"""Unit tests of `train-eval-gap`, on invented runs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from assay.checks.model.train_eval_gap import TrainEvalGap
from assay.journal.view import Event, Module, RunView, Site
from assay.testing import make_run, make_training

CHECK = TrainEvalGap()
LINE = ["net.py", 9, "forward"]


def run(
    evaluation: Sequence[float], training: Sequence[float], *events: Event, first: float = 1.0
) -> RunView:
    made = make_training(
        loss=[first] * 40, loss_in_evaluation_mode=evaluation, loss_in_training_mode=training
    )
    norm = Module("bn", "BatchNorm1d", site=Site("net.py", 4))
    return make_run(made, events=events, modules=[norm])


def parting(inside: str | None, only: str | None = None) -> Event:
    data = {"operation": "mul", "line": LINE, "inside": inside, "only": only}
    return Event("mode_gap", 1, data)


def test_two_of_two_above_the_limit() -> None:
    (finding,) = CHECK.review(run([0.1, 0.91, 0.91], [0.1, 0.6, 0.6], parting(None, "training")))
    assert finding.where.site == Site("net.py", 9, "forward")
    assert "only training mode has `mul`" in finding.summary
    assert finding.steps == (1, 2)


def test_a_module_of_torch_is_named_by_the_line_that_built_it() -> None:
    (finding,) = CHECK.review(run([2.0, 2.0], [0.6, 0.6], parting("BatchNorm1d")))
    assert finding.where.site == Site("net.py", 4)


def test_without_a_line() -> None:
    (finding,) = CHECK.review(run([2.0, 2.0], [0.6, 0.6]))
    assert finding.where.site is None


@pytest.mark.parametrize(
    ("evaluation", "training"),
    [
        ([], []),
        ([2.0], [0.5]),
        ([0.89, 0.89], [0.6, 0.6]),
        ([2.0, 0.6], [0.6, 0.6]),
        ([0.6, 0.6], [2.0, 2.0]),
        ([0.05, 0.05], [0.01, 0.01]),
        ([math.nan, math.nan], [0.1, 0.1]),
        ([0.5, 0.5], [-0.5, -0.5]),
    ],
)
def test_other_runs_are_silent(evaluation: list[float], training: list[float]) -> None:
    assert list(CHECK.review(run(evaluation, training))) == []
