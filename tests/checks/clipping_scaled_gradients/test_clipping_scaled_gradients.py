"""Unit tests of `clipping-scaled-gradients`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.precision.clipping_scaled_gradients import ClippingScaledGradients
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, make_training

CHECK = ClippingScaledGradients()
LINE = Site("train.py", 20)


def run(limit: float = 1.0, steps: int = 2, **signals: Any) -> RunView:
    usual = {
        "backward_passes": [1] * steps,
        "scaled_passes": [1] * steps,
        "loss_scaled_by": [1000.0] * steps,
        "raw_grad_norm": [100.0] * steps,
        "clip_norm": [100.0] * steps,
        "clip_limit": [limit] * steps,
    }
    events = [Event("clip", 0, {"of": "norm", "limit": limit}, LINE)]
    return make_run(make_training(loss=[1.0] * steps, **{**usual, **signals}), events=events)


def test_clipped_before_unscaling() -> None:
    (finding,) = CHECK.review(run())
    assert finding.where.site == LINE
    assert finding.summary.endswith("clipped at 1: at 0.001 once they were unscaled")


def test_at_the_limits() -> None:
    assert len(list(CHECK.review(run(9.99)))) == 1
    assert list(CHECK.review(run(10.0))) == []  # a hundredth of the scale
    assert list(CHECK.review(run(steps=1))) == []


@pytest.mark.parametrize(
    "healthy",
    [
        run(clip_norm=[0.1, 0.1]),  # unscaled before
        run(raw_grad_norm=[0.5, 0.5], clip_norm=[0.5, 0.5]),  # below the limit
        run(math.inf),
        run(scaled_passes=[0, 0]),
        run(loss_scaled_by=[math.nan, math.nan]),
        run(raw_grad_norm=[math.inf, math.nan]),
        make_run(loss=[1.0]),
        make_run(loss=[]),
    ],
)
def test_right_ones_are_silent(healthy: RunView) -> None:
    assert list(CHECK.review(healthy)) == []
