"""Unit tests of `wrapper-bypassed`, on invented runs."""

from __future__ import annotations

from typing import Any

from assay.checks.distributed.wrapper_bypassed import WrapperBypassed
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = WrapperBypassed()
SAME = [float(n) for n in range(10)]


def found(
    gradients: list[float], past: tuple[int, ...] = (0, 1, 2), world: int = 2
) -> list[Finding]:
    trainings = [
        make_training(index=rank, process=rank, grad_norm={"0.weight": SAME}, grad_fingerprint=used)
        for rank, used in enumerate((SAME, gradients))
    ]
    trainings[1].rank = 1
    events: list[Event[Any]] = [
        Event("bypassed", step, {"cls": "Net"}, Site("train.py", 9), training=rank)
        for rank in (0, 1)
        for step in past
    ]
    return list(CHECK.review(make_run(*trainings, events=events, facts={"world": world})))


def test_gradients_that_nobody_averaged() -> None:
    (finding,) = found([0.5] * 10)
    assert finding.where.site == Site("train.py", 9)
    assert finding.summary.startswith("in 3 of the 10 steps that were compared Net was called")
    assert finding.steps == (0, 2)


def test_right_ones_are_silent() -> None:
    assert found(SAME) == []  # averaged by hand
    assert found([0.5] * 10, past=()) == []
    assert found([0.5] * 10, past=(99,)) == []
    assert found([0.5] * 10, world=1) == []
