"""Unit tests of `loss-relapsed`, on invented runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from assay.checks.loss.loss_relapsed import LossRelapsed
from assay.journal.view import Event, RunView
from assay.testing import make_run, make_training

CHECK = LossRelapsed()
PLACE = "mse_loss (train.py:9)"
CALL: dict[str, Any] = {
    "fn": "mse_loss", "place": PLACE, "weighted": False, "reduction": "mean", "in_graph": True,
    "input": {"shape": [9, 1], "dtype": "float32"}, "target": {"shape": [9, 1], "dtype": "float32"},
}  # fmt: skip


def run(losses: Sequence[float]) -> RunView:
    """A constant prediction has a loss of 1."""
    training = make_training(
        loss=losses,
        loss_call_value={PLACE: losses},
        target_mean={PLACE: [0.0] * 9},
        target_std={PLACE: [1.0] * 9},
    )
    return make_run(training, events=[Event("loss_call", 0, dict(CALL))])


@pytest.mark.parametrize(("low", "end", "left"), [(0.1, 1.0, 100), (0.49, 0.76, 50)])
def test_what_was_learnt_is_lost(low: float, end: float, left: int) -> None:
    (finding,) = CHECK.review(run([1.0] * 20 + [low] * (180 - left) + [end] * left))
    assert finding.steps[0] == pytest.approx(200 - left, abs=3)
    assert f"{end:.0%} of that of a constant" in finding.summary


@pytest.mark.parametrize(
    "losses",
    [
        pytest.param([1.0] * 200, id="never learnt"),
        pytest.param([1.0] * 20 + [0.51] * 80 + [1.0] * 100, id="hardly learnt"),
        pytest.param([1.0] * 20 + [0.1] * 80 + [0.74] * 100, id="most is left"),
        pytest.param([1.0] * 20 + [0.1] * 140 + [1.0] * 40, id="late"),
        pytest.param([1.0] * 20 + [0.1] * 60 + [1.0] * 60 + [0.1] * 60, id="learnt again"),
        pytest.param([1.0] * 10 + [0.1] * 80 + [1.0] * 100, id="short"),
        pytest.param([math.nan] * 200, id="not a number"),
        pytest.param([], id="empty"),
    ],
)
def test_other_runs_are_silent(losses: list[float]) -> None:
    assert list(CHECK.review(run(losses))) == []
