"""Unit tests of `output-range-mismatch`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.gan.output_range_mismatch import OutputRangeMismatch
from assay.journal.view import RunView
from assay.testing import make_run, make_training
from assay.testing.turns import call, loss, step, turn

CHECK = OutputRangeMismatch()
LIMIT = int(CHECK.limit("samples"))


def run(
    data: tuple[float, float],
    made: tuple[float, float],
    *,
    ends: str = "Tanh",
    samples: int = LIMIT,
) -> RunView:
    turns = (
        turn(loss(10, call("D", 8), call("D", 9, fed=("G",))), step(0, "D")),
        turn(loss(13, call("D", 12, over=("G",)), call("G", 11, ends_in=ends)), step(1, "G")),
    )
    signals: dict[str, Any] = {
        name: {"D on data": [data[end]] * samples, "D on detached G": [made[end]] * samples}
        for end, name in enumerate(("judged_min", "judged_max"))
    }
    return make_run(make_training(**signals), make_training(index=1, steps=9), events=turns)


@pytest.mark.parametrize(
    ("data", "made", "ends"),
    [
        ((0.0, 1.0), (-0.9, 0.9), "Tanh"),
        ((-2.1, 2.6), (-0.9, 0.9), "Tanh"),
        ((0.0, 255.0), (-0.9, 0.9), "Tanh"),
        ((-1.0, 1.0), (0.1, 0.9), "Sigmoid"),
    ],
)
def test_ranges_that_differ(data: Any, made: Any, ends: str) -> None:
    (finding,) = CHECK.review(run(data, made, ends=ends))
    assert finding.where.site is not None
    assert finding.where.site.line == 8
    assert list(CHECK.review(run(data, made, ends=ends, samples=LIMIT - 1))) == []


@pytest.mark.parametrize(
    ("data", "made", "ends"),
    [
        ((-1.0, 1.0), (-0.9, 0.9), "Tanh"),
        ((-1.04, 1.04), (-0.9, 0.9), "Tanh"),
        ((-1.4, 1.4), (-1.38, 1.38), "Tanh"),
        ((0.0, 1.0), (0.1, 0.9), "Sigmoid"),
        ((0.0, 1.0), (-0.9, 0.9), "Addmm"),
        ((0.0, 0.9), (0.0, 0.9), "Tanh"),
        ((math.nan, math.nan), (math.nan, math.nan), "Tanh"),
    ],
)
def test_ranges_that_fit_or_are_unknown(data: Any, made: Any, ends: str) -> None:
    assert list(CHECK.review(run(data, made, ends=ends))) == []
