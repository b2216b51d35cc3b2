"""Unit tests of `mode-collapse`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.gan.mode_collapse import ModeCollapse
from assay.journal.view import RunView
from assay.testing import make_run, make_training
from assay.testing.turns import call, loss, step, turn

CHECK = ModeCollapse()
STEPS, RATIO = int(CHECK.limit("steps")), CHECK.limit("ratio")


def run(made: list[float], data: float = 2.0, steps: int = STEPS) -> RunView:
    turns = (
        turn(loss(10, call("D", 8), call("D", 9, fed=("G",))), step(0, "D")),
        turn(loss(13, call("D", 12, over=("G",)), call("G", 11)), step(1, "G")),
    )
    last = range(steps - len(made), steps)
    spread: dict[str, Any] = {
        "D on detached G": dict(zip(last, made, strict=True)),
        "D on data": dict.fromkeys(last, data),
    }
    trainings = (
        make_training(judged_spread=spread, steps=steps),
        make_training(index=1, steps=steps),
    )
    return make_run(*trainings, events=turns)


UNDER, AT = 1.99 * RATIO, 2.0 * RATIO


@pytest.mark.parametrize("made", [[UNDER] * 4, [UNDER, UNDER, UNDER, 9.0], [0.0] * 20])
def test_rows_that_are_nearly_the_same(made: list[float]) -> None:
    (finding,) = CHECK.review(run(made))
    assert finding.severity == "warning"
    assert finding.preview
    assert finding.where.site is not None
    assert finding.where.site.line == 12


@pytest.mark.parametrize(
    "made", [[AT] * 4, [UNDER] * 3, [UNDER, UNDER, 9.0, 9.0], [math.nan] * 9, []]
)
def test_rows_that_differ_or_few_samples(made: list[float]) -> None:
    assert list(CHECK.review(run(made))) == []


def test_early_steps_and_data_without_spread_are_silent() -> None:
    assert list(CHECK.review(run([0.0] * 4, steps=STEPS - 1))) == []
    assert list(CHECK.review(run([0.5] * 4, data=0.0))) == []
