"""Unit tests of `scaler-misused`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.precision.scaler_misused import ScalerMisused
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, make_training

CHECK = ScalerMisused()
LINE, PASS = Site("train.py", 20), Site("train.py", 15)


def scaler(late: int, steps: int = 10, line: Site = LINE) -> Event[Any]:
    counts = {"scalers": 1, "scaled": 10, "unscaled": 0, "steps": steps, "updates": 10}
    return Event("scaler", late, {**counts, "late": late, "looked_at": 9, "past": 0}, line)


def mixed(steps: int = 2, trainings: int = 1, **signals: Any) -> RunView:
    usual = {
        "backward_passes": [2.0] * steps,
        "scaled_passes": [1.0] * steps,
        "loss_scaled_by": [1024.0] * steps,
        "raw_grad_norm": [100.0] * steps,
        "grad_norm": [100.0 / 1024] * steps,
    }
    all_of_them = [
        make_training(index=i, loss=[1.0] * steps, **{**usual, **signals}) for i in range(trainings)
    ]
    return make_run(*all_of_them, events=[Event("unscaled_pass", 0, {}, PASS)])


def found(run: RunView) -> list[Finding]:
    return list(CHECK.review(run))


def test_a_step_after_the_update() -> None:
    (finding,) = found(make_run(loss=[1.0], events=[scaler(1), scaler(5, line=PASS)]))
    assert finding.where.site == LINE
    assert finding.summary == (
        "5 of 10 steps through a GradScaler came after it had been updated, with no loss scaled in "
        "between"
    )


def test_at_the_limits() -> None:
    assert found(make_run(loss=[1.0], events=[scaler(1)])) == []
    assert len(found(make_run(loss=[1.0], events=[scaler(2)]))) == 1
    assert found(mixed(1)) == []
    assert len(found(mixed(2))) == 1


def test_a_loss_that_is_not_scaled() -> None:
    (finding,) = found(mixed())
    assert finding.where.site == PASS
    assert finding.summary == (
        "1 of 2 backward passes of a step were of a loss that was not scaled, and their gradients "
        "too were divided by the scale of 1,024"
    )
    clipped = {"clip_norm": [100.0 / 1024] * 2, "grad_norm": [0.01] * 2}
    assert len(found(mixed(**clipped))) == 1


@pytest.mark.parametrize(
    "run",
    [
        mixed(trainings=2),
        mixed(scaled_passes=[2.0, 2.0]),
        mixed(grad_norm=[100.0, 100.0]),  # not through the scaler
        mixed(loss_scaled_by=[math.nan] * 2),
        mixed(raw_grad_norm=[math.nan] * 2),
        make_run(loss=[1.0], events=[scaler(0)]),
        make_run(loss=[]),
    ],
)
def test_right_ones_are_silent(run: RunView) -> None:
    assert found(run) == []
