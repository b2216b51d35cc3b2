"""Unit tests of `loss-at-start`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.loss.loss_at_start import LossAtStart
from assay.journal.view import Event, Module, Parameter, Site
from assay.testing import make_run

CHECK = LossAtStart()
TIMES = CHECK.limit("times")
PLACE, LINE, BUILT = "a loss (train.py:20)", Site("train.py", 20), Site("train.py", 5)


def found(
    first: float, *, fn: str = "cross_entropy", weights: float = 0.1, step: int = 0, **data: Any
) -> list[Finding]:
    call = {
        "fn": fn, "place": PLACE, "in_graph": True, "weighted": False, "reduction": "mean",
        "input": {"shape": [50, 10], "dtype": "float32"},
        "target": {"shape": [50], "dtype": "int64"}, **data,
    }  # fmt: skip
    run = make_run(
        loss=[first] * 3,
        loss_call_value={PLACE: {step: first, step + 1: first}},
        weight_norm={"head.weight": [weights * math.sqrt(640)] * 3},
        events=[
            Event("loss_call", 0, call, LINE),
            Event("loss_head", 0, {"place": PLACE, "parameter": "head.weight"}, LINE),
        ],
        modules=[Module("head", "Linear", site=BUILT)],
        parameters=[Parameter("head.weight", (10, 64))],
    )
    return list(CHECK.review(run))


def test_at_the_limit() -> None:
    (finding,) = found(TIMES * math.log(10) + 1e-9)
    assert (finding.severity, finding.where.site, finding.steps) == ("note", LINE, (0, 0))
    assert finding.summary == "cross_entropy began at 6.908, 3.0 times the 2.3 of a guess"


def test_just_under_the_limit() -> None:
    assert found(TIMES * math.log(10) - 1e-3) == []


def test_a_sum_is_divided_by_its_targets() -> None:
    assert found(50 * 2.4, reduction="sum") == []
    (finding,) = found(50 * 10.0, reduction="sum")
    assert "began at 500 (a sum over its targets), 4.3 times" in finding.summary
    both = {"shape": [50, 10], "dtype": "float32"}
    assert found(50 * 2.4, reduction="sum", target=both) == []
    assert found(500 * 0.7, fn="binary_cross_entropy", reduction="sum", target=both) == []


def test_a_last_layer_with_large_weights_is_named() -> None:
    (finding,) = found(20.0, weights=CHECK.limit("weights") / 8)
    assert (finding.where.site, finding.where.parameter) == (BUILT, "head.weight")
    assert finding.summary.endswith("; head.weight has weights of 3 / sqrt(inputs)")
    (finding,) = found(20.0, weights=(CHECK.limit("weights") - 0.01) / 8)
    assert finding.where.site == LINE


def test_of_two_classes() -> None:
    both = {"shape": [50, 1], "dtype": "float32"}
    assert len(found(3.0, fn="binary_cross_entropy_with_logits", input=both, target=both)) == 1
    assert found(3.0, fn="binary_cross_entropy", weighted=True) == []


@pytest.mark.parametrize("data", [{"reduction": "none"}, {"fn": "mse_loss"}, {"step": 1}])
def test_what_is_no_first_mean_of_classes_is_silent(data: dict[str, Any]) -> None:
    assert found(90.0, **data) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
    assert found(math.nan) == []
