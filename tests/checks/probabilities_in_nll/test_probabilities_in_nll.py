"""Unit tests of `probabilities-in-nll`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.loss.probabilities_in_nll import ProbabilitiesInNll
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = ProbabilitiesInNll()
LINE = Site("train.py", 31, "<module>")
PLACE = "nll_loss (train.py:31)"


def given(made_by: str, **more: Any) -> Event[Any]:
    facts = {"fn": "nll_loss", "place": PLACE, "argument": "input", "made_by": made_by,
             "over": None, "size": None, "shape": [32, 4], "setting": None, **more}  # fmt: skip
    return Event("loss_given", 0, facts, LINE)


def found(*events: Event[Any], **signals: Any) -> list[Any]:
    return list(CHECK.review(make_run(events=events, **signals)))


def test_rows_that_sum_to_one_over_classes_are_found() -> None:
    (finding,) = found(given("softmax"), probability_dims={PLACE: [2.0] * 5})
    assert finding.where.site == LINE
    assert "at all 5 sampled calls each row" in finding.summary
    assert found(given("Div"), probability_dims={PLACE: [3.0]})


@pytest.mark.parametrize("dims", [[], [0.0] * 3, [2.0, 0.0], [math.nan] * 3, [1.0] * 3])
def test_other_sums_are_silent(dims: list[float]) -> None:
    """The last one sums to 1 over the batch, which is another fault."""
    assert found(given("softmax"), probability_dims={PLACE: dims}) == []


def test_a_sigmoid_is_found_by_what_made_it() -> None:
    (finding,) = found(given("sigmoid"), loss_input_min={PLACE: [0.0, 0.2]})
    assert "sigmoid" in finding.summary
    assert found(given("sigmoid"), loss_input_min={PLACE: [-0.1, 0.2]}) == []
    assert found(given("relu"), loss_input_min={PLACE: [0.0, 0.2]}) == []


def test_classes_of_one_dimension() -> None:
    assert found(given("softmax", shape=[4]), probability_dims={PLACE: [1.0]})
