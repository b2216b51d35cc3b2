"""Unit tests of `scaler-bypassed`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.precision.scaler_bypassed import ScalerBypassed
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, make_training

CHECK = ScalerBypassed()
LINE = Site("train.py", 20)


def run(*, past: int = 2, hook: bool = False, **signals: Any) -> RunView:
    usual = {
        "backward_passes": [1, 1, 1],
        "scaled_passes": [1, 1, 1],
        "loss_scaled_by": [65536.0, 65536.0, 65536.0],
        "raw_grad_norm": [100.0, 200.0, 300.0],
        "grad_norm": [100.0, 200.0, 300.0],
    }
    counts = {"scalers": 1, "scaled": 3, "unscaled": 0, "steps": 0, "updates": 0, "looked_at": 3}
    events: list[Event[Any]] = [Event("scaler", 0, {**counts, "past": past}, LINE)]
    if hook:
        events.append(Event("hook_registered", 0, {"of": "tensor"}))
    return make_run(make_training(loss=[1.0] * 3, **{**usual, **signals}), events=events)


def test_steps_on_scaled_gradients() -> None:
    (finding,) = CHECK.review(run())
    assert finding.where.site == LINE
    assert finding.summary == (
        "2 of the 3 steps looked at used gradients of a loss that a GradScaler had multiplied by "
        "65,536, and that nobody had divided again"
    )


def test_at_the_limit() -> None:
    assert list(CHECK.review(run(past=1))) == []
    assert len(list(CHECK.review(run(past=2)))) == 1


def test_one_finite_step_before_nan_is_enough() -> None:
    broken = [100.0, math.nan, math.nan]
    assert len(list(CHECK.review(run(raw_grad_norm=broken, grad_norm=broken)))) == 1
    broken[0] = math.inf
    assert list(CHECK.review(run(raw_grad_norm=broken, grad_norm=broken))) == []


def test_clipped_and_still_scaled() -> None:
    clipped = {"clip_norm": [100.0, 200.0, 300.0], "clip_limit": [1.0] * 3}
    assert len(list(CHECK.review(run(grad_norm=[1.0] * 3, **clipped)))) == 1
    small = [1 / 65536] * 3  # clipped, then unscaled
    assert list(CHECK.review(run(grad_norm=small, **clipped))) == []


@pytest.mark.parametrize(
    "healthy",
    [
        run(grad_norm=[x / 65536 for x in (100.0, 200.0, 300.0)]),
        run(scaled_passes=[0, 0, 0]),
        run(backward_passes=[2, 2, 2]),  # the other pass is another loss's
        run(loss_scaled_by=[1.0] * 3),
        run(hook=True),
        make_run(loss=[1.0] * 3, backward_passes=[1, 1, 1]),
        make_run(loss=[]),
    ],
)
def test_right_ones_are_silent(healthy: RunView) -> None:
    assert list(CHECK.review(healthy)) == []
