"""Unit tests of `accumulation-not-normalised`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.accumulation_not_normalised import AccumulationNotNormalised
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = AccumulationNotNormalised()
LINE = Site("train.py", 20)


def found(steps: int = 40, optimizer: str = "SGD", **signals: Any) -> list[Finding]:
    usual = {
        "loss": [1.0] * steps,
        "backward_passes": [4.0] * steps,
        "mean_loss_passes": [4.0] * steps,
        "raw_grad_norm": [8.0] * steps,
        "grad_norm": [8.0] * steps,
    }
    training = make_training(optimizer=optimizer, **{**usual, **signals})
    return list(CHECK.review(make_run(training, events=[Event("backward", 0, {}, LINE)])))


def test_a_sum_whose_loss_does_not_fall() -> None:
    (finding,) = found()
    assert finding.where.site == LINE
    assert finding.summary == (
        "each step used the sum of 4 gradients, each of a batch's mean loss, which nobody divided "
        "by 4; the loss, summed likewise, went from 1 to 1"
    )
    (finding,) = found(loss=[1.0] * 20 + [math.nan] * 20)
    assert finding.summary.endswith("the loss was not finite in the end")


def test_at_the_limits() -> None:
    assert len(found(20)) == 1
    assert found(19) == []
    assert len(found(loss=[1.0] + [0.95] * 39)) == 1
    assert found(loss=[1.0] + [0.94] * 39) == []
    assert len(found(mean_loss_passes=[4.0] * 36 + [0.0] * 4)) == 1
    assert found(mean_loss_passes=[4.0] * 35 + [0.0] * 5) == []


@pytest.mark.parametrize(
    "signals",
    [
        {"optimizer": "Adam"},
        {"grad_norm": [2.0] * 40},  # divided, or clipped
        {"mean_loss_passes": [0.0] * 40},  # the loss was divided
        {"mean_loss_passes": [2.0] * 40},  # two lines
        {"mean_loss_passes": [1.0] * 40, "backward_passes": [1.0] * 40},
        {"raw_grad_norm": [math.nan] * 40, "grad_norm": [math.nan] * 40},
        {"loss": []},
    ],
)
def test_right_ones_are_silent(signals: dict[str, Any]) -> None:
    assert found(**signals) == []
