"""Unit tests of `weights-not-finite`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.gradient.weights_not_finite import WeightsNotFinite
from assay.testing import make_run, only_finding

CHECK = WeightsNotFinite()
LOSS = [1.0, 0.9, 0.8, 0.7]


def test_the_first_weight_that_broke_is_named() -> None:
    shares = {"head.weight": [0, 0, 0, 0.5], "table.weight": [0, 0, 0.1, 0.2]}
    finding = only_finding(CHECK, make_run(loss=LOSS, weight_nonfinite_share=shares))
    assert "0.1 of `table.weight` and 1 more was not finite at step 2" in finding.summary
    assert finding.where.parameter == "table.weight"
    assert finding.steps == (2, 3)
    assert finding.severity == "error"


@pytest.mark.parametrize(
    "signals",
    [
        {"loss": LOSS, "weight_nonfinite_share": {"w": [0, 0, 0, 0]}},
        {"loss": LOSS, "weight_nonfinite_share": {"mask": [0.4, 0.4, 0.4, 0.5]}},
        {"loss": [1.0, math.nan, math.nan, math.nan], "weight_nonfinite_share": {"w": [0, 0, 1]}},
        {"loss": LOSS, "weight_nonfinite_share": {"w": []}},
        {"loss": LOSS},
    ],
)
def test_silent(signals) -> None:
    assert not list(CHECK.review(make_run(**signals)))


def test_one_sample_shows_nothing() -> None:
    assert not list(CHECK.review(make_run(loss=LOSS, weight_nonfinite_share={"w": {3: 0.5}})))
