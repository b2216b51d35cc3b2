"""Unit tests of `eval-better-than-train`, on invented runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from assay.checks.generalisation.eval_better_than_train import EvalBetterThanTrain
from assay.journal.view import Evaluation, Event, RunView
from assay.testing import make_run, make_training

CHECK = EvalBetterThanTrain()
PLACE = "mse_loss (train.py:9)"
CALL: dict[str, Any] = {
    "fn": "mse_loss", "place": PLACE, "weighted": False, "reduction": "mean", "in_graph": True,
    "label_smoothing": 0.0,
}  # fmt: skip


def run(
    losses: Sequence[float],
    held: Sequence[float],
    *,
    modes: tuple[float, float] = (1.0, 1.0),
    call: Mapping[str, Any] = CALL,
) -> RunView:
    every = max(len(losses) // max(len(held), 1), 1)
    training = make_training(
        loss=losses,
        loss_call_value={PLACE: losses},
        loss_in_training_mode={10: modes[0], 20: modes[0]},
        loss_in_evaluation_mode={10: modes[1], 20: modes[1]},
        evaluations=[Evaluation(every * i, "mse_loss", v, None, 9) for i, v in enumerate(held)],
    )
    return make_run(training, events=[Event("loss_call", 0, dict(call))])


FALLEN = [2.0] * 30 + [1.0] * 30


def test_at_the_limit() -> None:
    (finding,) = CHECK.review(run(FALLEN, [1.0] * 4 + [0.59] * 2))
    assert finding.severity == "note"
    assert "ended at 0.59" in finding.summary
    assert list(CHECK.review(run(FALLEN, [0.61] * 6))) == []


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(run(FALLEN, [0.5] * 6, modes=(1.0, 0.7)), id="dropout explains it"),
        pytest.param(run(FALLEN, [0.5] * 2), id="few evaluations"),
        pytest.param(run(FALLEN, [-0.5] * 6), id="not positive"),
        pytest.param(run([2.0] * 8 + [0.1] * 50, [0.01] * 6), id="small"),
        pytest.param(run(FALLEN, [0.1] * 6, call={**CALL, "label_smoothing": 0.1}), id="smoothed"),
        pytest.param(run([], []), id="empty"),
    ],
)
def test_other_runs_are_silent(view: RunView) -> None:
    assert list(CHECK.review(view)) == []


def test_a_weighted_loss_is_not_judged() -> None:
    why = CHECK.why_skipped(run(FALLEN, [0.1] * 6, call={**CALL, "weighted": True}))
    assert why is not None
    assert "weights its classes" in why
