"""Unit tests of `eval-preprocessed-differently`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.data.eval_preprocessed_differently import EvalPreprocessedDifferently
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = EvalPreprocessedDifferently()
OUTSIDE, SCALE, SIGNED = (CHECK.limit(name) for name in ("outside", "scale", "signed"))
ROWS = int(CHECK.limit("rows"))


def found(*, shape: tuple[int, ...] = (8, 8), **facts: Any) -> list[Finding]:
    data = {
        "place": "input 0", "rows": ROWS, "training_rows": ROWS, "outside_share": OUTSIDE,
        "mean": 0.0, "std": 1.0, "part_means": [0.0], "low": -2.0, "high": 2.0,
        "eval_mean": 0.0, "eval_std": 1.0, "eval_part_means": [0.0], "eval_low": -2.0,
        "eval_high": 2.0, "line": ["train.py", 9, ""],
    }  # fmt: skip
    events = [
        Event("input_contents", 5, {"place": "input 0", "shape": list(shape)}),
        Event("eval_contents", 5, {**data, **facts}),
    ]
    return list(CHECK.review(make_run(loss=[1.0] * 5, events=events)))


def test_another_scale() -> None:
    (finding,) = found(eval_std=SCALE, eval_low=-9.0)
    assert finding.where.site == Site("train.py", 9)
    assert f"{OUTSIDE:.0%} of {ROWS} evaluated rows lay outside of all {ROWS} training" in (
        finding.summary
    )
    assert len(found(eval_std=1 / SCALE)) == 1
    assert found(eval_std=SCALE * 0.99, eval_low=-9.0) == []
    assert found(eval_std=SCALE, eval_low=-9.0, outside_share=OUTSIDE - 0.01) == []
    assert found(eval_std=SCALE, eval_low=-9.0, outside_share=None) == []


def test_signs_apart() -> None:
    moved, unmoved = CHECK.limit("shift") + 0.01, CHECK.limit("unmoved")
    assert len(found(eval_std=1 / SIGNED - 0.01, eval_low=0.0, eval_mean=moved)) == 1
    assert found(eval_std=1 / SIGNED + 0.01, eval_low=0.0, eval_mean=moved) == []
    assert found(eval_std=1 / SIGNED - 0.01, eval_mean=moved) == []
    assert found(eval_std=1 / SIGNED - 0.01, eval_low=0.0) == [], "training data with noise"
    assert len(found(eval_std=1 / unmoved - 0.01, eval_low=0.0)) == 1


def test_channels_backwards() -> None:
    (finding,) = found(part_means=[0.1, 0.2, 0.5], eval_part_means=[0.5, 0.2, 0.1])
    assert "had means 0.1, 0.2, 0.5 in training and 0.5, 0.2, 0.1 in evaluations" in finding.summary
    assert found(part_means=[0.1, 0.2, 0.5], eval_part_means=[0.1, 0.2, 0.5]) == []
    assert found(part_means=[0.1, 0.2, 0.5], eval_part_means=[0.3, 0.2, 0.3]) == []
    assert found(part_means=[0.1, 0.2, 0.15], eval_part_means=[0.15, 0.2, 0.1]) == []


def test_rows_of_few_numbers_and_few_rows() -> None:
    assert found(eval_std=100.0, shape=(3,)) == []
    assert found(eval_std=100.0, rows=ROWS - 1) == []
    assert found(eval_std=math.nan) == []
    assert found(eval_std=100.0, std=0.0) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
