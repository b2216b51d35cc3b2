"""Unit tests of `gradient-discarded`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.gradient.gradient_discarded import GradientDiscarded
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run

CHECK = GradientDiscarded()
LINE = ["train.py", 12, "apply"]


def run(discarded: list[float], by: list[object] | None = LINE) -> RunView:
    return make_run(
        gradient_discarded=discarded, events=[Event("cleared", 0, {"by": by}, training=0)]
    )


def test_every_step() -> None:
    (finding,) = CHECK.review(run([1.0, 1.0, 1.0]))
    assert finding.where.site == Site("train.py", 12, "apply")
    assert finding.steps == (0, 2)
    assert "at train.py:12 between backward() and the step in 3 of 3" in finding.summary


def test_by_hand_the_line_of_the_step_is_named() -> None:
    (finding,) = CHECK.review(run([1.0] * 4, by=None))
    assert finding.where.site == Site("train.py", 5, "<module>")


def test_fewer_steps_than_the_limit_are_silent() -> None:
    assert list(CHECK.review(run([1.0, 1.0, 0.0]))) == []


def test_half_of_the_steps_are_silent_and_more_are_not() -> None:
    assert list(CHECK.review(run([1.0] * 4 + [0.0] * 4))) == []
    assert len(list(CHECK.review(run([1.0] * 5 + [0.0] * 4)))) == 1


@pytest.mark.parametrize("values", [[], [1.0], [math.nan] * 5, [0.0] * 5])
def test_runs_that_cannot_be_judged_or_are_well_are_silent(values: list[float]) -> None:
    assert list(CHECK.review(run(values))) == []


def wasted(shares: list[float]) -> RunView:
    line = ["train.py", 7, "micro_batch"]
    events = [Event("pass_wasted", 0, {"by": line}, training=0)]
    return make_run(gradient_discarded=[0.0] * len(shares), passes_wasted=shares, events=events)


def test_passes_that_are_cleared_before_the_next() -> None:
    (finding,) = CHECK.review(wasted([0.75] * 4))
    assert finding.where.site == Site("train.py", 7, "micro_batch")
    assert finding.summary.startswith("75% of the backward passes before a step were for nothing")
    assert list(CHECK.review(wasted([0.75] * 2))) == []
    assert list(CHECK.review(wasted([0.75] * 4 + [0.0] * 4))) == []
    assert len(list(CHECK.review(wasted([0.75] * 5 + [0.0] * 4)))) == 1
