"""Unit tests of `scaler-collapsing`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.precision.scaler_collapsing import ScalerCollapsing
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = ScalerCollapsing()
LINE = Site("train.py", 20)


def found(scales: list[float], skipped: int = 16) -> list[Finding]:
    training = make_training(loss=[1.0], loss_scale=scales, learning_rate={"group 0": [0.1]})
    events = [Event("step_skipped", 0, {}, LINE, training=0) for _ in range(skipped)]
    return list(CHECK.review(make_run(training, events=events)))


def test_a_scale_that_collapsed() -> None:
    (finding,) = found([65536.0, 32.0, 0.25])
    assert finding.where.site == LINE
    assert finding.summary == (
        "the loss scale fell from 65,536 to 0.25, and 16 steps were left out, with 3 taken"
    )


def test_at_the_limits() -> None:
    assert found([65536.0, 1.0]) == []
    assert len(found([65536.0, 0.5])) == 1
    assert len(found([128.0, 0.5])) == 1
    assert found([127.0, 0.5]) == []


@pytest.mark.parametrize(
    ("scales", "skipped"),
    [([], 0), ([65536.0, 0.5], 0), ([math.nan], 3), ([65536.0, 0.5, 2.0], 9), ([0.5], 3)],
)
def test_right_ones_are_silent(scales: list[float], skipped: int) -> None:
    assert found(scales, skipped) == []


def test_a_run_whose_steps_were_all_left_out_can_be_judged() -> None:
    assert CHECK.why_skipped(make_run(loss=[])) is not None
    events = [Event("step_skipped", 0, {}, LINE, training=0)]
    assert CHECK.why_skipped(make_run(make_training(loss=[]), events=events)) is None
