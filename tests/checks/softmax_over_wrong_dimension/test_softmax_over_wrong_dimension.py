"""Unit tests of `softmax-over-wrong-dimension`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.loss.softmax_over_wrong_dimension import SoftmaxOverWrongDimension
from assay.journal.view import Event, Module, Site
from assay.testing import make_run

CHECK = SoftmaxOverWrongDimension()
LINE = Site("train.py", 31, "<module>")
PLACE = "nll_loss (train.py:31)"


def given(made_by: str, **more: Any) -> Event[Any]:
    facts = {"fn": "nll_loss", "place": PLACE, "argument": "input", "made_by": made_by,
             "over": None, "size": None, "shape": [32, 4], "setting": None, **more}  # fmt: skip
    return Event("loss_given", 0, facts, LINE)


def found(*events: Event[Any], **signals: Any) -> list[Any]:
    return list(CHECK.review(make_run(events=events, **signals)))


@pytest.mark.parametrize("signal", ["probability_dims", "log_probability_dims"])
def test_sums_over_the_batch_are_found(signal: str) -> None:
    (finding,) = found(given("log_softmax"), **{signal: {PLACE: [1.0] * 4}})
    assert finding.where.site == LINE
    assert "over dimension 0 of [32, 4], not over 1" in finding.summary


@pytest.mark.parametrize(
    "dims", [[], [0.0] * 3, [2.0] * 3, [3.0] * 3, [1.0, 0.0], [1.0, 3.0], [math.nan]]
)
def test_other_sums_are_silent(dims: list[float]) -> None:
    assert found(given("log_softmax"), log_probability_dims={PLACE: dims}) == []


@pytest.mark.parametrize(
    ("fn", "argument", "shape", "dims", "count"),
    [
        ("cross_entropy", "input", [8, 5, 20], 4.0, 1),  # over time
        ("cross_entropy", "input", [8, 5, 20], 2.0, 0),
        ("ctc_loss", "input", [20, 8, 5], 2.0, 1),
        ("ctc_loss", "input", [20, 8, 5], 4.0, 0),
        ("Categorical", "probs", [8, 5], 1.0, 1),
        ("Categorical", "logits", [8, 5], 1.0, 0),
        ("Categorical", "probs", [5], 1.0, 0),
    ],
)
def test_which_dimension_is_that_of_classes(
    fn: str, argument: str, shape: list[int], dims: float, count: int
) -> None:
    event = given("softmax", fn=fn, argument=argument, shape=shape)
    assert len(found(event, probability_dims={PLACE: [dims] * 3})) == count


@pytest.mark.parametrize(
    ("ours", "theirs", "count"),
    [
        ([1.0] * 2, [2.0] * 2, 1),
        ([1.0] * 2, [1.0] * 2, 0),
        ([1.0] * 2, [3.0] * 2, 0),
        ([1.0] * 2, [0.0] * 2, 0),
        ([1.0] * 2, [2.0, 0.0], 0),
        ([2.0] * 2, [2.0] * 2, 0),
    ],
)
def test_what_is_compared_has_to_sum_alike(ours: Any, theirs: Any, count: int) -> None:
    event = given("softmax", fn="mse_loss")
    sums = {"probability_dims": {PLACE: ours}, "target_probability_dims": {PLACE: theirs}}
    assert len(found(event, **sums)) == count


def test_the_line_is_that_of_the_softmax_where_it_was_seen() -> None:
    facts: Any = {"over": 1, "size": 1, "line": ["net.py", 7, "forward"], "module": "last"}
    dims = {"log_probability_dims": {PLACE: [1.0]}}
    (finding,) = found(given("log_softmax", **facts), **dims)
    assert finding.where.site == Site("net.py", 7, "forward")
    run = make_run(
        events=[given("log_softmax", **facts)],
        modules=[Module("last", "LogSoftmax", site=Site("net.py", 3))],
        **dims,
    )
    assert next(CHECK.review(run)).where.site == Site("net.py", 3)
