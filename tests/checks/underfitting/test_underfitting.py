"""Unit tests of `underfitting`, on invented runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from assay.checks.generalisation.underfitting import Underfitting
from assay.journal.view import Evaluation, Event, RunView
from assay.testing import make_run, make_training

CHECK = Underfitting()
PLACE = "mse_loss (train.py:9)"
CALL: dict[str, Any] = {
    "fn": "mse_loss", "place": PLACE, "weighted": False, "reduction": "mean", "in_graph": True,
    "input": {"shape": [9, 1], "dtype": "float32"}, "target": {"shape": [9, 1], "dtype": "float32"},
}  # fmt: skip


def run(losses: Sequence[float], held: float, rates: Mapping[int, float] | None = None) -> RunView:
    """A constant prediction has a loss of 1."""
    training = make_training(
        steps=len(losses),
        loss=losses,
        loss_call_value={PLACE: losses},
        learning_rate={"group 0": rates or {0: 0.1}},
        target_mean={PLACE: [0.0] * 9},
        target_std={PLACE: [1.0] * 9},
        evaluations=[Evaluation(50 * i, "mse_loss", held, None, 9) for i in range(4)],
    )
    return make_run(training, events=[Event("loss_call", 0, dict(CALL))])


@pytest.mark.parametrize("level", [0.41, 0.94])
def test_it_stands_still(level: float) -> None:
    (finding,) = CHECK.review(run([1.0] * 50 + [level] * 150, level))
    assert finding.severity == "note"
    assert f"{level:.0%} of that of a constant prediction" in finding.summary


FALLS = [1.0 - 0.002 * step for step in range(200)]


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(run([0.39] * 200, 0.39), id="fitted"),
        pytest.param(run([0.96] * 200, 0.96), id="nothing learnt"),
        pytest.param(run(FALLS, 0.6), id="still falling"),
        pytest.param(run([0.6] * 200, 0.7), id="worse on held-out data"),
        pytest.param(run([0.6] * 200, 0.6, {0: 0.1, 100: 0.01}), id="rate taken back"),
        pytest.param(run([0.6] * 100, 0.6), id="too short"),
        pytest.param(run([], 0.6), id="empty"),
    ],
)
def test_other_runs_are_silent(view: RunView) -> None:
    assert list(CHECK.review(view)) == []
